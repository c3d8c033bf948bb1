/** Programs that use the library as an application would, each of them whole. */
package io.jllm.examples;
