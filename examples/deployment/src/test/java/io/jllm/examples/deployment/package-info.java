/** Every line of README.md's section on deployment, tried. */
package io.jllm.examples.deployment;
