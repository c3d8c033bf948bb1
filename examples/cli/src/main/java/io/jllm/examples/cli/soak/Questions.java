package io.jllm.examples.cli.soak;

import io.jllm.BeamSearchParams;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.sampling.EarlyStopping;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** Thinks of questions of all kinds: the same seed and number give the same question. Safe for all threads. */
final class Questions {
    private static final List<String> STOPS = List.of("e", " a", "th", "ing", "er ", ". ", "\n", "the", "she was");
    private static final int PREFIXES = 4;
    private static final int MOST_OUTPUTS = 4;

    private final long seed;
    private final int vocab;
    private final int context;
    private final int[][] prefixes = new int[PREFIXES][];

    /** @param context most tokens of a sequence, at least 32 */
    Questions(long seed, int vocab, int context) {
        this.seed = seed;
        this.vocab = vocab;
        this.context = context;
        for (int i = 0; i < PREFIXES; i++) {
            prefixes[i] = ids(random(seed, -1 - i), context / 4 + i);
        }
    }

    /** A source of chance that depends on the seed and the number alone, and on them in no simple way. */
    static SplittableRandom random(long seed, long number) {
        return new SplittableRandom(new SplittableRandom(seed).nextLong() ^ new SplittableRandom(~number).nextLong());
    }

    /** The question of that number. */
    Question question(int number) {
        SplittableRandom random = random(seed, number);
        int[] prompt = prompt(random);
        return new Question(number, new Prompt.Tokens(prompt), one(random, 8) ? searched(random, prompt.length) : drawn(random, prompt.length));
    }

    private int[] prompt(SplittableRandom random) {
        int own = skewed(random, one(random, 12) ? context / 2 : context / 8);
        if (!one(random, 3)) {
            return ids(random, own);
        }
        int[] prefix = prefixes[random.nextInt(PREFIXES)];
        int[] all = Arrays.copyOf(prefix, prefix.length + own);
        System.arraycopy(ids(random, own), 0, all, prefix.length, own);
        return all;
    }

    private Question.Settings drawn(SplittableRandom random, int promptLength) {
        SamplingParamsBuilder b = SamplingParams.builder();
        int least = limit(random, b, promptLength);
        if (one(random, 3)) {
            b.temperature(0);
        } else {
            b.temperature(0.5 + random.nextDouble()).seed(random.nextLong()).n(one(random, 5) ? random.nextInt(2, MOST_OUTPUTS + 1) : 1);
            b.topK(one(random, 3) ? random.nextInt(1, 50) : 0).topP(one(random, 3) ? 0.3 + 0.7 * random.nextDouble() : 1);
            b.minP(one(random, 4) ? 0.2 * random.nextDouble() : 0);
        }
        b.repetitionPenalty(one(random, 4) ? 1 + random.nextDouble() : 1).presencePenalty(one(random, 6) ? random.nextDouble() : 0)
                .frequencyPenalty(one(random, 6) ? random.nextDouble() : 0);
        b.ignoreEos(one(random, 3)).minTokens(one(random, 8) ? least : 0).logprobs(one(random, 4) ? random.nextInt(1, 6) : 0);
        if (one(random, 4)) {
            b.stop(STOPS.get(random.nextInt(STOPS.size())), STOPS.get(random.nextInt(STOPS.size())));
        }
        if (one(random, 16)) {
            b.promptLogprobs(random.nextInt(3));
        }
        if (one(random, 16)) {
            b.stopTokenIds(List.of(random.nextInt(vocab), random.nextInt(vocab)));
        }
        if (one(random, 16)) {
            b.logitBias(random.nextInt(vocab), 4).logitBias(random.nextInt(vocab), Float.NEGATIVE_INFINITY);
        }
        if (one(random, 24)) {
            b.allowedTokenIds(Set.copyOf(Arrays.stream(ids(random, 40)).boxed().toList()));
        }
        if (one(random, 8)) {
            int own = random.nextInt();
            b.logitsProcessor(() -> new LogitsProcessors.Counting(own));
        }
        return new Question.Settings.Drawn(b.cacheSalt(one(random, 8) ? "salt " + random.nextInt(3) : "").build());
    }

    /** Sets how long outputs may be: mostly short, some to the end of the context. Gives a length that all of them may have. */
    private int limit(SplittableRandom random, SamplingParamsBuilder b, int promptLength) {
        if (one(random, 50)) {
            return Math.min(4, context - promptLength - 1);
        }
        int longest = Math.min(context / 2, context - promptLength);
        int most = one(random, 5) ? random.nextInt(1, longest + 1) : skewed(random, longest);
        b.maxTokens(most);
        return Math.min(4, most);
    }

    private Question.Settings searched(SplittableRandom random, int promptLength) {
        int width = random.nextInt(1, MOST_OUTPUTS + 1);
        var b = BeamSearchParams.builder(width).n(random.nextInt(1, width + 1)).lengthPenalty(random.nextInt(-1, 3))
                .earlyStopping(EarlyStopping.values()[random.nextInt(EarlyStopping.values().length)])
                .maxTokens(skewed(random, Math.min(context / 8, context - promptLength)))
                .repetitionPenalty(one(random, 3) ? 1.3 : 1).logprobs(one(random, 4) ? 2 : 0).ignoreEos(one(random, 4));
        if (one(random, 6)) {
            int own = random.nextInt();
            b.logitsProcessor(() -> new LogitsProcessors.Counting(own));
        }
        return new Question.Settings.Searched(b.build());
    }

    private int[] ids(SplittableRandom random, int count) {
        return random.ints(count, 0, vocab).toArray();
    }

    static boolean one(SplittableRandom random, int of) {
        return random.nextInt(of) == 0;
    }

    /** 1 to most, each doubling with equal chance. */
    private static int skewed(SplittableRandom random, int most) {
        return (int) Math.pow(most, random.nextDouble());
    }
}
