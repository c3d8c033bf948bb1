/**
 * An application to be deployed in every way that the README speaks of.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Teller}: the application
 * <li>the tests pack it as one jar and in a runtime image, give it few rights and odd paths, and deploy it again and again
 * </ul>
 */
package io.jllm.examples.deployment;
