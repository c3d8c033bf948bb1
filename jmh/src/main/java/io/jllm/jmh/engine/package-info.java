/** What the engine makes of many requests. */
package io.jllm.jmh.engine;
