package io.jllm.chat.answer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.chat.AnswerFormat;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.answer.Output.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Answers that nobody would write: nothing is thrown, nothing is lost, and cuts make no difference. */
class AnswerFuzzTest {
    private static final int MUTATIONS = 1000;
    /** Those that mean something somewhere, and some that mean nothing. */
    private static final String CHARACTERS = "{}[]()<>|\"'\\,:;=` \n\u0000\uD83D\uDE00a1.";

    @ParameterizedTest
    @EnumSource
    void mutated(AnswerFormat format) {
        var random = new SplittableRandom(format.ordinal());
        var all = new ArrayList<String>();
        for (AnswerFormat f : AnswerFormat.values()) { // other formats' answers too
            Streams.of(f).forEach(s -> all.add(s.text()));
        }
        var own = Streams.of(format).stream().map(Streams.Stream::text).toList();
        for (int i = 0; i < MUTATIONS; i++) {
            String text = pick(own, random);
            for (int times = random.nextInt(1, 5); times > 0; times--) {
                text = mutate(text, random.nextInt(4) == 0 ? pick(all, random) : pick(own, random), random);
            }
            check(format, text, random);
        }
    }

    private static String pick(List<String> texts, SplittableRandom random) {
        return texts.get(random.nextInt(texts.size()));
    }

    private static String mutate(String text, String other, SplittableRandom random) {
        int at = random.nextInt(text.length() + 1);
        int to = Math.min(text.length(), at + random.nextInt(12));
        int from = random.nextInt(other.length() + 1);
        return switch (random.nextInt(6)) {
            case 0 -> text.substring(0, at) + text.substring(to);
            case 1 -> text.substring(0, to) + text.substring(at);
            case 2 -> text.substring(0, at) + other.substring(from);
            case 3 -> text.substring(0, at) + CHARACTERS.charAt(random.nextInt(CHARACTERS.length())) + text.substring(at);
            case 4 -> text.substring(0, at);
            default -> text + other;
        };
    }

    private static void check(AnswerFormat format, String text, SplittableRandom random) {
        var sources = new StringBuilder();
        var content = new StringBuilder();
        var reasoning = new StringBuilder();
        var parser = Streams.builder(format, "").build((kind, source) -> {
            sources.append(source);
            if (kind == Kind.CONTENT || kind == Kind.REASONING) {
                (kind == Kind.CONTENT ? content : reasoning).append(source);
            }
        });
        var whole = Streams.parts(parser, List.of(text));
        assertEquals(text, sources.toString());
        var answer = parser.answer();
        assertEquals(bare(content.toString()), bare(answer.content()), text);
        assertEquals(bare(reasoning.toString()), bare(answer.reasoning().orElse("")), text);
        checkOrder(whole, text);

        var pieces = new ArrayList<String>();
        for (int at = 0; at < text.length();) {
            int end = Math.min(text.length(), at + random.nextInt(6));
            pieces.add(text.substring(at, end));
            at = end;
        }
        assertEquals(whole, Streams.parts(Streams.builder(format, "").build(), pieces), pieces::toString);
    }

    private static String bare(String text) {
        return text.replaceAll("[ \\n\\r\\t]", "");
    }

    /** Calls begin, go on and end by their number; only the last may have no end. */
    private static void checkOrder(List<AnswerPart> parts, String text) {
        int index = -1;
        boolean open = false;
        for (AnswerPart part : parts) {
            switch (part) {
                case AnswerPart.Content _, AnswerPart.Reasoning _ -> assertTrue(!open, text);
                case AnswerPart.CallStart s -> {
                    assertTrue(!open, text);
                    assertEquals(++index, s.index(), text);
                    open = true;
                }
                case AnswerPart.CallArguments a -> assertTrue(open && a.index() == index, text);
                case AnswerPart.CallEnd e -> {
                    assertTrue(open && e.index() == index, text);
                    open = false;
                }
            }
        }
    }
}
