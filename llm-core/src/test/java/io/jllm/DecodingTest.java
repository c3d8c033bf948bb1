package io.jllm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.RecordComponent;
import io.jllm.constraint.Constraint;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class DecodingTest {
    private static final Supplier<LogitsProcessor> PROCESSOR = () -> {
        throw new AssertionError("made before it is needed");
    };
    private static final Constraint CONSTRAINT = Constraint.choices(List.of("a"));
    private static final Decoding ALL = new Decoding(OptionalInt.of(9), 2, 1.5f, 0.5f, -0.5f, Set.of(1, 2), true, false, 3, Map.of(4, -1f),
            Set.of(4, 5), Optional.of(PROCESSOR), Optional.of(CONSTRAINT), "salt", Optional.of(Duration.ofSeconds(7)), -3,
            Optional.of("sql"));

    private static <B extends DecodingParamsBuilder<B>> B set(B builder) {
        return builder.maxTokens(9).minTokens(2).repetitionPenalty(1.5).presencePenalty(0.5).frequencyPenalty(-0.5).stopTokenIds(List.of(1, 2))
                .ignoreEos(true).skipSpecialTokens(false).logprobs(3).logitBias(4, -1).allowedTokenIds(List.of(4, 5)).logitsProcessor(PROCESSOR)
                .constraint(CONSTRAINT)
                .cacheSalt("salt")
                .timeout(Duration.ofSeconds(7)).priority(-3).adapter("sql");
    }

    @Test
    void bothBuildersSetIt() {
        SamplingParams sampling = set(SamplingParams.builder().n(2).topK(5)).temperature(0.5).build();
        assertEquals(ALL, sampling.decoding());
        assertEquals(sampling, sampling.toBuilder().build());
        BeamSearchParams search = set(BeamSearchParams.builder(4).n(2)).lengthPenalty(2).build();
        assertEquals(ALL, search.decoding());
        assertEquals(search, search.toBuilder().build());
        assertEquals(SamplingParams.builder().temperature(0).decoding(ALL).build(), search.toSamplingParams());
    }

    /** Whoever adds a parameter adds its accessor and its setter. */
    @Test
    void everyPartCanBeReadAndSet() throws ReflectiveOperationException {
        SamplingParams params = set(SamplingParams.builder()).build();
        Decoding neutral = SamplingParams.neutral().decoding();
        for (RecordComponent part : Decoding.class.getRecordComponents()) {
            Object value = part.getAccessor().invoke(ALL);
            assertEquals(value, DecodingParams.class.getMethod(part.getName()).invoke(params), part.getName());
            assertTrue(!value.equals(part.getAccessor().invoke(neutral)), part.getName() + " is not tried");
            assertTrue(Arrays.stream(DecodingParamsBuilder.class.getMethods()).anyMatch(m -> m.getName().equals(part.getName())), part.getName());
        }
    }

    @Test
    void messagesNameValueAndRange() {
        assertEquals("presencePenalty must be in [-2, 2], was 2.5", refusal(SamplingParams.builder().presencePenalty(2.5)));
        assertEquals("presencePenalty must be in [-2, 2], was 2.5", refusal(BeamSearchParams.builder(2).presencePenalty(2.5)));
        assertEquals("maxTokens must be at least 1, was 0", refusal(BeamSearchParams.builder(2).maxTokens(0)));
        assertEquals("minTokens must be at most maxTokens, was 3", refusal(BeamSearchParams.builder(2).maxTokens(2).minTokens(3)));
        assertEquals("logitBias of token 3 must be below positive infinity and not NaN, was NaN",
                refusal(SamplingParams.builder().logitBias(3, Double.NaN)));
        assertEquals("timeout must be above zero, was Optional[PT0S]", refusal(SamplingParams.builder().timeout(Duration.ZERO)));
        assertEquals(0, SamplingParams.builder().maxTokens(0).build().maxTokens().getAsInt());
    }

    private static String refusal(DecodingParamsBuilder<?> builder) {
        return assertThrows(IllegalArgumentException.class, () -> {
            switch (builder) {
                case SamplingParamsBuilder b -> b.build();
                case BeamSearchParamsBuilder b -> b.build();
            }
        }).getMessage();
    }
}
