/** Times the command line beside other programs on the same model, and draws what came of it. */
package io.jllm.jmh.compare;
