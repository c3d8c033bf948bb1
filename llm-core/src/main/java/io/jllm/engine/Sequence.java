package io.jllm.engine;

import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.LogitsProcessor;
import io.jllm.spi.RowSampling;
import java.util.Arrays;

/**
 * A growing list of tokens and the KV blocks of those that are computed. {@code computed <= length}; scheduling is making
 * computed catch up. Touched by the engine's thread only.
 */
final class Sequence implements RowSampling {
    private static final int NO_SLOT = -1;

    private final SequenceGroup group;
    private final SequenceSettings settings;
    private final Completion completion;
    private final int promptLength;
    private int[] tokens;
    private int length;
    private int computed;
    private int scoredPrompt;
    private BlockTable blocks;
    private int slot = NO_SLOT;
    private LogitsProcessor processor;

    Sequence(SequenceGroup group, SequenceSettings settings, Completion completion, int[] prompt) {
        this.group = group;
        this.settings = settings;
        this.completion = completion;
        promptLength = prompt.length;
        length = prompt.length;
        tokens = Arrays.copyOf(prompt, prompt.length + 16);
    }

    SequenceGroup group() {
        return group;
    }

    Completion completion() {
        return completion;
    }

    /** Tokens that are not computed yet. */
    int behind() {
        return length - computed;
    }

    int computed() {
        return computed;
    }

    void advance(int count) {
        computed += count;
    }

    int generated() {
        return length - promptLength;
    }

    /** Positions of the prompt whose log-probabilities are collected; they are not asked for again after a preemption. */
    int scoredPrompt() {
        return scoredPrompt;
    }

    void scored(int position) {
        scoredPrompt = position + 1;
    }

    /** Whether the logits at this position tell the log-probability of a prompt token that is still wanted. */
    boolean wantsPromptRow(int position) {
        return group.params().promptLogprobs().isPresent() && position >= scoredPrompt && position < promptLength - 1;
    }

    /** Whether nothing is to be generated. */
    boolean scoresOnly() {
        return settings.maxTokens() == 0;
    }

    int maxTokens() {
        return settings.maxTokens();
    }

    void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
        }
        tokens[length++] = token;
    }

    /** Its KV blocks; null before the scheduler has seen it. */
    BlockTable blocks() {
        return blocks;
    }

    void place(BlockTable table) {
        blocks = table;
    }

    /** Takes what is known of its beginning from the prefix cache, but never the token whose logits are wanted. */
    int reuse() {
        int limit = length - 1;
        if (group.params().promptLogprobs().isPresent() && scoredPrompt < promptLength - 1) {
            limit = Math.min(limit, scoredPrompt);
        }
        computed = blocks.match(tokens, limit);
        return computed;
    }

    /** Gives the blocks back; what was computed is forgotten. */
    void releaseBlocks() {
        blocks.release();
        computed = 0;
    }

    boolean running() {
        return slot != NO_SLOT;
    }

    void start(int newSlot) {
        slot = newSlot;
    }

    void stop() {
        slot = NO_SLOT;
    }

    /** The application's processor, made when first needed; null where the request has none. */
    LogitsProcessor processor() {
        if (processor == null && group.params().logitsProcessor().isPresent()) {
            processor = group.params().logitsProcessor().get().get();
        }
        return processor;
    }

    @Override
    public SamplerSettings settings() {
        return settings.at(generated());
    }

    @Override
    public int slot() {
        return slot;
    }

    @Override
    public int[] tokens() {
        return tokens;
    }

    @Override
    public int promptLength() {
        return promptLength;
    }

    @Override
    public int length() {
        return length;
    }
}
