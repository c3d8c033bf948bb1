/** An application to be deployed. */
package io.jllm.examples.deployment;
