/**
 * Models by name: found in the caches of the tools that people have, or fetched into them.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Hub}: the way in; {@link HubName}: what may be asked for; {@link HubSettings}: the usual variables of the environment
 * <li>{@link DownloadListener}, {@link Progress}: what is told meanwhile; {@link HubException}: what may go wrong
 * <li>{@code HuggingFace}, {@code ModelScope}: the two protocols; {@code HuggingFaceCache}, {@code ModelScopeCache}: where files lie, as
 * their own libraries put them; {@code Ollama}: what Ollama has pulled
 * <li>{@code FileChoice}: which files of a repository make up a model; {@code RemoteFile}: one of them, {@code Shards}: one in several files
 * <li>{@code Http}: requests, redirects, who gets the token; {@code Transfer}: one file, resumed and checked; {@code FileDigest}: against what;
 * {@code FileLocks}: one at a time over all processes; {@code Meter}: what listeners hear
 * </ul>
 */
package io.jllm.hub;
