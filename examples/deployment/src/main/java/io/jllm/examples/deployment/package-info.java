/**
 * An application to be deployed in every way that the README speaks of.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Teller}: the application
 * <li>the tests pack it as one jar, as a module, in an image, in a container, and deploy it again and again
 * </ul>
 */
package io.jllm.examples.deployment;
