package io.jllm.engine.sequence;

import io.jllm.SamplingParams;
import io.jllm.constraint.TokenMask;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A request's parameters, resolved for one sequence and one model: what the sampler sees at each token, and what ends the
 * sequence. Immutable.
 */
public final class SequenceSettings {
    private final SamplingParams params;
    private final SamplerSettings early;
    private final SamplerSettings normal;
    private final int vocab;
    private final int minTokens;
    private final int maxTokens;
    private final Set<Integer> ends;
    private final Optional<TokenMask> constraint;

    private SequenceSettings(SamplerSettings early, SamplerSettings normal, SequenceSettings other) {
        params = other.params;
        this.early = early;
        this.normal = normal;
        vocab = other.vocab;
        minTokens = other.minTokens;
        maxTokens = other.maxTokens;
        ends = other.ends;
        constraint = other.constraint;
    }

    /**
     * @param params the request's
     * @param modelEos the model's end-of-sequence tokens
     * @param vocab rows of logits
     * @param maxTokens most tokens that there is room for
     * @param constraint where an answer begins, if the request has a constraint
     */
    public SequenceSettings(SamplingParams params, Set<Integer> modelEos, int vocab, int maxTokens, Optional<TokenMask> constraint) {
        this.params = params;
        this.vocab = vocab;
        this.maxTokens = maxTokens;
        this.constraint = constraint;
        minTokens = Math.min(params.minTokens(), maxTokens);
        var all = new TreeSet<>(params.stopTokenIds());
        if (!params.ignoreEos()) {
            all.addAll(modelEos);
        }
        ends = Set.copyOf(all);
        checkIds("stopTokenIds", params.stopTokenIds(), vocab);
        checkIds("logitBias", params.logitBias().keySet(), vocab);
        checkIds("allowedTokenIds", params.allowedTokenIds(), vocab);
        long seed = params.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong());
        normal = settings(params, bias(params, params.logitBias()), seed);
        if (minTokens == 0 || ends.isEmpty()) {
            early = normal;
        } else {
            var banned = new HashMap<>(params.logitBias());
            ends.stream().filter(id -> id < vocab).forEach(id -> banned.put(id, Float.NEGATIVE_INFINITY));
            early = settings(params, bias(params, banned), seed);
        }
        checkChoice(params, early.bias(), vocab);
    }

    /** The settings of one of several sequences: the first draws as the request says, each other with a seed of its own. */
    SequenceSettings ofSequence(int index) {
        if (index == 0) {
            return this;
        }
        long seed = mixed(normal.seed() + index * 0x9E3779B97F4A7C15L);
        return new SequenceSettings(settings(params, early.bias(), seed), settings(params, normal.bias(), seed), this);
    }

    /** Stafford's 13th variant of MurmurHash3's finisher, as in SplitMix64: seeds that are near become far. */
    private static long mixed(long seed) {
        long z = (seed ^ seed >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    private static SamplerSettings settings(SamplingParams p, LogitBias bias, long seed) {
        return new SamplerSettings(p.temperature(), p.topK(), p.topP(), p.minP(), p.repetitionPenalty(), p.presencePenalty(),
                p.frequencyPenalty(), seed, bias);
    }

    private static LogitBias bias(SamplingParams p, Map<Integer, Float> added) {
        int[] ids = added.keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
        float[] values = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            values[i] = added.get(ids[i]);
        }
        int[] allowed = p.allowedTokenIds().stream().mapToInt(Integer::intValue).sorted().toArray();
        return ids.length == 0 && allowed.length == 0 ? LogitBias.NONE : new LogitBias(ids, values, allowed);
    }

    private static void checkIds(String name, Set<Integer> ids, int vocab) {
        for (int id : ids) {
            if (id < 0 || id >= vocab) {
                throw new IllegalArgumentException(name + " holds token " + id + ", but the model's tokens are 0 to " + (vocab - 1));
            }
        }
    }

    private static void checkChoice(SamplingParams p, LogitBias bias, int vocab) {
        long banned = 0;
        for (int i = 0; i < bias.ids().length; i++) {
            if (bias.values()[i] == Float.NEGATIVE_INFINITY
                    && (bias.allowed().length == 0 || Arrays.binarySearch(bias.allowed(), bias.ids()[i]) >= 0)) {
                banned++;
            }
        }
        if (banned == (bias.allowed().length == 0 ? vocab : bias.allowed().length)) {
            throw new IllegalArgumentException("no token may be picked: logitBias, allowedTokenIds and minTokens " + p.minTokens()
                    + " ban all of them; allow at least one token that does not end the text");
        }
    }

    /** How to pick a token after that many. */
    SamplerSettings at(int generated) {
        return generated < minTokens ? early : normal;
    }

    int minTokens() {
        return minTokens;
    }

    public int maxTokens() {
        return maxTokens;
    }

    /** Whether a constraint may see to it that the answer ends in time: not where tokens are banned that it may need for that. */
    boolean steers() {
        return minTokens < maxTokens && params.allowedTokenIds().isEmpty()
                && params.logitBias().values().stream().allMatch(b -> b > Float.NEGATIVE_INFINITY);
    }

    /** Where an answer under the request's constraint begins, if there is one. */
    Optional<TokenMask> constraint() {
        return constraint;
    }

    /** Whether a token may be said after so many and does not end the sequence. */
    boolean mayGoOnWith(int token, int generated) {
        return token >= 0 && token < vocab && !ends(token) && !at(generated).bias().bans(token);
    }

    /** The tokens that end the sequence, not to be changed. */
    public Set<Integer> ends() {
        return ends;
    }

    /** How many tokens end the sequence. */
    public int endTokens() {
        return ends.size();
    }

    /** Whether this token ends the sequence. */
    public boolean ends(int token) {
        return ends.contains(token);
    }
}
