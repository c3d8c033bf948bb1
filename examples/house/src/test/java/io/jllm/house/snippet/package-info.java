/**
 * What the top README says to Maven, Gradle and JBang, done: the program that it shows is built from these lines and tells a tale.
 *
 * <ul>
 * <li>{@link SnippetsTest}: each tool's snippet
 * <li>{@link Readme}: the blocks of code in a text
 * <li>{@link Published}: the libraries of this build as a Maven repository
 * <li>{@link Project}: a project of Maven with nothing in it but what a snippet says
 * <li>{@link Command}: another program, run to its end
 * </ul>
 */
package io.jllm.house.snippet;
