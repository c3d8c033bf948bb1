package io.jllm.spark.plan;

import com.google.gson.JsonObject;

/**
 * Rows and how long they are. Lengths are log-normal, as those of people's prompts and models' answers are, and a row's are the same in each run.
 *
 * @param rows how many
 * @param promptTokens the median of tokens of a prompt
 * @param outputTokens the median of tokens of an answer
 * @param spread sigma of both: with 0.8, one of ten is 2.8 times the median or more; 0 makes all alike
 * @param maxTokens where answers are cut off; prompts are at four times that
 * @param seed of the lengths
 */
public record Workload(long rows, int promptTokens, int outputTokens, double spread, int maxTokens, long seed) {
    private static final int BITS = 12;

    /** Checks ranges. */
    public Workload {
        if (rows < 1 || promptTokens < 1 || outputTokens < 1 || !(spread >= 0 && spread <= 3) || maxTokens < outputTokens) {
            throw new IllegalArgumentException("a workload needs rows and tokens of at least 1, a spread in 0 to 3, and a maximum of at least the "
                    + "median; was " + rows + " rows, " + promptTokens + " and " + outputTokens + " tokens, spread " + spread + ", at most " + maxTokens);
        }
    }

    /** Lengths by row. */
    Lengths lengths() {
        return new Lengths(table(promptTokens, 4 * maxTokens), table(outputTokens, maxTokens), seed);
    }

    /** Equally likely lengths. */
    private int[] table(int median, int most) {
        int[] table = new int[1 << BITS];
        for (int i = 0; i < table.length; i++) {
            double z = Normal.quantile((i + 0.5) / table.length);
            table[i] = (int) Math.clamp(StrictMath.rint(median * StrictMath.exp(spread * z)), 1, most);
        }
        return table;
    }

    /** Lengths of rows; safe for all threads. */
    static final class Lengths {
        private final int[] prompts;
        private final int[] outputs;
        private final long seed;

        private Lengths(int[] prompts, int[] outputs, long seed) {
            this.prompts = prompts;
            this.outputs = outputs;
            this.seed = seed;
        }

        int prompt(long row) {
            return prompts[(int) (Normal.bits(seed, row) >>> 64 - BITS)];
        }

        int output(long row) {
            return outputs[(int) (Normal.bits(seed, row) >>> 64 - 2 * BITS) & (1 << BITS) - 1];
        }
    }

    JsonObject json() {
        var json = new JsonObject();
        json.addProperty("rows", rows);
        json.addProperty("prompt_tokens", promptTokens);
        json.addProperty("output_tokens", outputTokens);
        json.addProperty("spread", spread);
        json.addProperty("max_tokens", maxTokens);
        json.addProperty("seed", seed);
        return json;
    }
}
