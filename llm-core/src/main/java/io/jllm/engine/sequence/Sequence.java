package io.jllm.engine.sequence;

import io.jllm.LogitsProcessor;
import io.jllm.constraint.TokenMask;
import io.jllm.engine.kv.BlockTable;
import io.jllm.engine.kv.PrefixCache;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A growing list of tokens and the KV blocks of those that are computed. Scheduling is making computed catch up with length, and with tokens
 * beyond it that are drawn and not read yet: {@code computed <= length + pending}. Touched by the engine's thread only.
 */
public final class Sequence implements RowSampling {
    private static final int NO_SLOT = -1;
    /** Most tokens that are known ahead: readers get them at once. */
    private static final int MOST_AHEAD = 16;

    private final SchedulingUnit unit;
    private final SequenceSettings settings;
    private final int promptLength;
    private int[] tokens;
    private int length;
    private int computed;
    private int scoredPrompt;
    private int ahead;
    private int pending;
    private BlockTable blocks; // null before it is scheduled or branches off
    private int slot = NO_SLOT;
    private int ropeLength;
    private LogitsProcessor processor;
    private TokenMask mask; // null where the request has no constraint

    /** A sequence of a unit, at its request's prompt. */
    Sequence(SchedulingUnit unit, SequenceSettings settings) {
        this.unit = unit;
        this.settings = settings;
        int[] prompt = unit.group().promptIds();
        promptLength = prompt.length;
        length = prompt.length;
        tokens = Arrays.copyOf(prompt, prompt.length + 16);
        mask = settings.constraint().orElse(null);
    }

    /** Becomes what another sequence is now. It must hold a slot and no blocks. */
    void fork(Sequence from, ModelRunner runner) {
        if (tokens.length < from.length) {
            tokens = new int[from.tokens.length];
        }
        System.arraycopy(from.tokens, 0, tokens, 0, from.length);
        length = from.length;
        scoredPrompt = promptLength; // the log-probabilities of a prompt are collected once
        LogitsProcessor ofParent = from.processor();
        processor = ofParent == null ? null : ofParent.fork();
        mask = from.mask;
        share(from, runner);
    }

    /** Takes all that another sequence has computed, by reference; it must be the beginning of this one too. */
    void share(Sequence from, ModelRunner runner) {
        blocks = from.blocks.fork();
        computed = from.computed;
        ropeLength = from.ropeLength;
        runner.forkSlot(from.slot, slot);
    }

    /** How many tokens it has in common with another of the same length, but never all. */
    int sameAs(Sequence other) {
        int different = Arrays.mismatch(tokens, 0, length, other.tokens, 0, other.length);
        return different < 0 ? length - 1 : different;
    }

    public SchedulingUnit unit() {
        return unit;
    }

    public SequenceGroup group() {
        return unit.group();
    }

    /** Tokens that are not computed yet. */
    public int behind() {
        return length + pending - computed;
    }

    public int computed() {
        return computed;
    }

    public void advance(int count) {
        computed += count;
    }

    public int generated() {
        return length - promptLength;
    }

    /** Positions of the prompt whose rows are collected; they are not asked for again after a preemption. */
    int scoredPrompt() {
        return scoredPrompt;
    }

    public void scored(int position) {
        scoredPrompt = position + 1;
    }

    /** Whether a row at this position is wanted for itself, not to draw the next token from. */
    public boolean wantsRow(int position) {
        return position >= scoredPrompt && unit.nextWantedRow(position) == position;
    }

    int maxTokens() {
        return settings.maxTokens();
    }

    /** Its next token is being drawn from a row of logits; whoever needs it before it is read finds {@link StepBatch#drawn} in its place. */
    public void pend(int row) {
        grow(length + pending);
        tokens[length + pending++] = StepBatch.drawn(row);
    }

    /** That token is not drawn after all. */
    public void unpend() {
        pending--;
    }

    /** How many tokens are drawn and not read yet. */
    public int pending() {
        return pending;
    }

    private void grow(int at) {
        tokens = at < tokens.length ? tokens : Arrays.copyOf(tokens, 2 * at);
    }

    void append(int token) {
        grow(length);
        tokens[length++] = token;
        pending = Math.max(0, pending - 1);
        if (mask != null && !settings.ends(token)) {
            mask = mask.after(token);
        }
    }

    /**
     * Appends the tokens that its constraint leaves no choice but to say next, few at a time. They are computed together, and passed on when it is
     * known how likely they were, as if they had been drawn.
     *
     * @param longest how long it may become by that
     */
    void lookAhead(int longest) {
        while (mask != null && ahead < MOST_AHEAD && length < longest && generated() < maxTokens()) {
            OptionalInt only = processor() == null && mask.mayGoOn() && !mask.mayEnd() ? mask.only() : OptionalInt.empty();
            if (only.isEmpty() || !settings.mayGoOnWith(only.getAsInt(), generated())) {
                return;
            }
            append(only.getAsInt());
            ahead++;
        }
    }

    /** How many tokens at its end were known ahead and are not passed on. */
    public int ahead() {
        return ahead;
    }

    /** The first of them is passed on. */
    void said() {
        ahead--;
    }

    /** Whether the last token, one that is known ahead or not read yet, is bound to end the text, so that it need not be computed. */
    boolean endsAhead() {
        return ahead + pending > 0 && (generated() + pending == maxTokens() || ahead > 0 && !mask.mayGoOn());
    }

    /** The first position, from one on, whose row tells how likely one of them was; the largest integer if there is none. */
    int nextRowAhead(int from) {
        int next = Math.max(from, length - ahead - 1);
        return next < length - 1 ? next : Integer.MAX_VALUE;
    }

    /** Where it has got to under its constraint; null if it has none. */
    public TokenMask mask() {
        return mask;
    }

    /** How many tokens may still come, in which its constraint has to see to its end; the largest integer where it cannot. */
    public int left() {
        return settings.steers() ? settings.maxTokens() - generated() - unit.reserved() : Integer.MAX_VALUE;
    }

    /** The tokens that end it, not to be changed. */
    public Set<Integer> ends() {
        return settings.ends();
    }

    /** Its KV blocks. */
    public BlockTable blocks() {
        return blocks;
    }

    public void place(BlockTable table) {
        blocks = table;
    }

    /** The length by which its positions are rotated, as {@link io.jllm.spi.StepBatch#ropeLength} has it. */
    public int ropeLength() {
        return ropeLength;
    }

    /** Chooses that length, before anything is computed; blocks are shared among sequences that are rotated alike. */
    public void rotate(int length) {
        ropeLength = length;
        blocks.kind(length);
    }

    /** Takes what the prefix cache knows of its next tokens, to at most that position; returns how many tokens that saves. */
    public int reuse(int most) {
        int before = computed;
        computed = blocks.match(tokens, computed, Math.min(most, reusable()));
        return computed - before;
    }

    /** The block that it computes next, if another sequence could take it from the prefix cache and it could take another's. */
    public Optional<PrefixCache.Key> nextBlock() {
        return blocks.next(tokens, Math.min(length - 1, reusable()));
    }

    /** The first positions, of which no row is needed. */
    private int reusable() {
        return unit.nextWantedRow(scoredPrompt);
    }

    /** Makes known to the prefix cache what is computed, up to tokens that are not read yet. */
    void remember() {
        blocks.remember(tokens, Math.min(computed, length));
    }

    /** Gives the blocks back; what was computed is forgotten. */
    void releaseBlocks() {
        if (blocks != null) {
            blocks.release();
        }
        computed = 0;
    }

    /** Takes a slot for as long as its unit runs. */
    public void takeSlot(int newSlot) {
        slot = newSlot;
    }

    public boolean hasSlot() {
        return slot != NO_SLOT;
    }

    public void leaveSlot() {
        slot = NO_SLOT;
    }

    /** The application's processor, made when first needed; null where the request has none. */
    public LogitsProcessor processor() {
        if (processor == null && group().params().logitsProcessor().isPresent()) {
            processor = group().params().logitsProcessor().get().get();
        }
        return processor;
    }

    @Override
    public SamplerSettings settings() {
        return settings.at(generated() + pending);
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
