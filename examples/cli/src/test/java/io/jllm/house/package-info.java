/** The rules of the house, checked on what the build made of every module; this is the module that depends on all of them. */
package io.jllm.house;
