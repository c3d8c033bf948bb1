package io.jllm.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;

/** The rules of a search one by one, on numbers that can be followed by hand; token 9 ends a text. */
class BeamScorerTest {
    private static final IntPredicate NINE = t -> t == 9;
    private static final float BANNED = Float.NEGATIVE_INFINITY;

    private static List<BeamScorer.Choice> step(BeamScorer s, int[] tokens, double... scores) {
        var floats = new float[scores.length];
        for (int i = 0; i < scores.length; i++) {
            floats[i] = (float) scores[i];
        }
        return s.step(tokens, floats, NINE);
    }

    @Test
    void theBestSumsGoOn() {
        var s = new BeamScorer(2, 1, EarlyStopping.FALSE, 10);
        assertEquals(List.of(new BeamScorer.Choice(0, 4, -1), new BeamScorer.Choice(0, 5, -2)), step(s, new int[] {4, 5, 6}, -1, -2, -3));
        assertEquals(List.of(new BeamScorer.Choice(1, 7, -2.5f), new BeamScorer.Choice(0, 1, -3)),
                step(s, new int[] {1, 2, 3, 7, 8, 1}, -2, -2.5, -3, -0.5, -4, -5));
        assertEquals(-1.25f, s.score(0));
        assertEquals(2, s.length());
    }

    @Test
    void anEndBelowTheBestWidthIsNoHypothesis() {
        var s = new BeamScorer(2, 1, EarlyStopping.FALSE, 10);
        assertEquals(2, step(s, new int[] {4, 5, 9}, -1, -2, -3).size());
        assertTrue(s.hypotheses().isEmpty());
        step(s, new int[] {9, 1, 2, 1, 2, 3}, -1, -1.5, -3, -4, -4, -4);
        assertEquals(List.of(new BeamScorer.Hypothesis(2, 0, 9, -1)), s.hypotheses());
        assertFalse(s.done());
    }

    /** One text of score -1 is finished; the best beam stands at -2.2 after two of ten tokens. */
    private static BeamScorer after(EarlyStopping stopping, double lengthPenalty, double second) {
        var s = new BeamScorer(1, lengthPenalty, stopping, 10);
        step(s, new int[] {4, 9}, -1, -5);
        step(s, new int[] {9, 4}, -1, second);
        return s;
    }

    @Test
    void earlyStoppingModes() {
        assertTrue(after(EarlyStopping.TRUE, 1, -1.0).done(), "one text per beam is enough");
        assertTrue(after(EarlyStopping.FALSE, 1, -1.2).done(), "-2.2 / 2 is worse than -1");
        assertFalse(after(EarlyStopping.NEVER, 1, -1.2).done(), "-2.2 / 10 would be better");
        assertTrue(after(EarlyStopping.NEVER, 0, -1.2).done(), "-2.2 is worse than -2, and sums only fall");
        assertTrue(after(EarlyStopping.NEVER, -1, -1.2).done());
        assertThrows(IllegalStateException.class, () -> step(after(EarlyStopping.TRUE, 1, -1), new int[] {1}, -1));
    }

    @Test
    void theLastStepFinishesTheBest() {
        var s = new BeamScorer(2, 2, EarlyStopping.FALSE, 2);
        step(s, new int[] {4, 5, 6}, -1, -2, -3);
        assertTrue(step(s, new int[] {1, 2, 3, 1, 2, 3}, -1, -5, -6, -1, -5, -6).isEmpty());
        assertTrue(s.done());
        assertEquals(List.of(new BeamScorer.Hypothesis(2, 0, 1, -0.5f), new BeamScorer.Hypothesis(2, 1, 1, -0.75f)), s.hypotheses());
    }

    @Test
    void bannedTokensAreNeverChosen() {
        var s = new BeamScorer(3, 1, EarlyStopping.FALSE, 10);
        assertEquals(1, step(s, new int[] {4, 5, 6}, -1, BANNED, BANNED).size());
        assertThrows(IllegalStateException.class, () -> step(s, new int[] {4, 5, 6}, BANNED, BANNED, BANNED));
        var ended = new BeamScorer(2, 1, EarlyStopping.NEVER, 10);
        step(ended, new int[] {9, 4}, -1, BANNED);
        assertTrue(ended.done(), "nothing goes on");
        assertEquals(1, ended.hypotheses().size());
    }

    @Test
    void candidatesAreBoundedByTheVocabulary() {
        var s = new BeamScorer(8, 1, EarlyStopping.FALSE, 10);
        assertEquals(10, s.candidates(2, 100));
        assertEquals(9, s.candidates(2, 9));
        assertThrows(IllegalArgumentException.class, () -> step(s, new int[] {1, 2}, -1));
        assertThrows(IllegalArgumentException.class, () -> new BeamScorer(0, 1, EarlyStopping.TRUE, 1));
    }

    @Test
    void rowsAsSearchesSeeThem() {
        var chain = new SamplerChain(4);
        float[] row = {1, 3, 2, 0};
        chain.logSoftmax(row);
        double sum = 0;
        for (float x : row) {
            sum += Math.exp(x);
        }
        assertEquals(1, sum, 1e-6);
        assertEquals(1, row[1] - row[2], 1e-6);
        float before = row[1];
        var penalised = new SamplerSettings(0, 0, 1, 0, 2, 0, 0, 0, new LogitBias(new int[] {2}, new float[] {BANNED}, new int[0]));
        chain.adjust(row, penalised, new int[] {1}, 1, 1);
        assertEquals(2 * before, row[1], "log-probabilities are negative, so they are multiplied");
        int[] ids = new int[4];
        float[] values = new float[4];
        chain.highest(row, 3, ids, values, 1);
        assertEquals(1, ids[1]);
        assertEquals(row[1], values[1]);
        assertEquals(3, ids[3]);
        row[0] = Float.NaN;
        assertThrows(IllegalStateException.class, () -> chain.highest(row, 1, ids, values, 0));
        float[] infinite = {Float.POSITIVE_INFINITY, 0, Float.POSITIVE_INFINITY, 0};
        chain.logSoftmax(infinite);
        assertEquals(Math.log(0.5), infinite[2], 1e-6);
        assertEquals(BANNED, infinite[1]);
    }
}
