package io.jllm.chat.answer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.chat.Answer;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.answer.Streams.Call;
import io.jllm.chat.answer.Streams.Stream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each answer of the table is understood as the table says, whatever pieces it comes in. */
class AnswerStreamsTest {
    private static final int RANDOM_CUTS = 20;

    @ParameterizedTest
    @EnumSource
    void eachFormatHasThirtyStreams(AnswerFormat format) {
        assertTrue(Streams.of(format).size() >= 30, format + " has " + Streams.of(format).size());
    }

    @TestFactory
    java.util.stream.Stream<DynamicTest> whole() {
        return each(this::checkWhole);
    }

    @TestFactory
    java.util.stream.Stream<DynamicTest> cut() {
        return each(this::checkCuts);
    }

    private interface Check {
        void of(AnswerFormat format, Stream stream);
    }

    private static java.util.stream.Stream<DynamicTest> each(Check check) {
        return java.util.stream.Stream.of(AnswerFormat.values()).flatMap(f -> Streams.of(f).stream()
                .map(s -> DynamicTest.dynamicTest(f + ": " + s.name(), () -> check.of(f, s))));
    }

    private void checkWhole(AnswerFormat format, Stream s) {
        Answer answer = s.parse(format);
        assertEquals(s.content() == null ? "" : s.content(), answer.content());
        assertEquals(Optional.ofNullable(s.reasoning()), answer.reasoning());
        List<Call> wanted = s.calls() == null ? List.of() : s.calls();
        assertEquals(wanted.stream().map(c -> c.name() + c.arguments()).toList(),
                answer.toolCalls().stream().map(c -> c.name() + c.arguments()).toList());
        for (int i = 0; i < wanted.size(); i++) {
            String id = answer.toolCalls().get(i).id();
            assertTrue(wanted.get(i).id() == null ? id.startsWith("made") : id.equals(wanted.get(i).id()), id);
        }
        assertEquals(Optional.ofNullable(s.unfinished()).map(c -> c.name() + c.arguments()),
                answer.unfinished().map(c -> c.name() + c.arguments()));
    }

    private void checkCuts(AnswerFormat format, Stream s) {
        String prompt = s.prompt() == null ? "" : s.prompt();
        String text = s.text();
        var whole = Streams.parts(Streams.builder(format, prompt).build(), List.of(text));
        for (int cut = 0; cut <= text.length(); cut++) {
            check(whole, format, prompt, List.of(text.substring(0, cut), text.substring(cut)));
        }
        check(whole, format, prompt, text.chars().mapToObj(Character::toString).toList());
        var random = new SplittableRandom(s.text().hashCode());
        for (int i = 0; i < RANDOM_CUTS; i++) {
            var pieces = new ArrayList<String>();
            for (int at = 0; at < text.length();) {
                int end = Math.min(text.length(), at + random.nextInt(8));
                pieces.add(text.substring(at, end));
                at = end;
            }
            check(whole, format, prompt, pieces);
        }
    }

    private static void check(List<io.jllm.chat.AnswerPart> whole, AnswerFormat format, String prompt, List<String> pieces) {
        assertEquals(whole, Streams.parts(Streams.builder(format, prompt).build(), pieces), pieces::toString);
    }
}
