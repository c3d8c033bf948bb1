package io.jllm.server.model;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * How models are loaded.
 *
 * @param most models that are loaded at once, at least 1
 * @param timeout how long a request waits for a model to be loaded
 * @param notices is given a sentence for what happens to models
 */
public record Loading(int most, Duration timeout, Consumer<String> notices) {
}
