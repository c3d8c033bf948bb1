package io.jllm.chat.answer;

import com.google.gson.Gson;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.Tool;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The table of answers, one file a format, and ways to cut them. */
final class Streams {
    static final List<Tool> TOOLS = List.of(
            tool("get_weather", "\"city\": {\"type\": \"string\"}, \"days\": {\"type\": \"integer\"}"),
            tool("add", "\"a\": {\"type\": \"number\"}, \"b\": {\"$ref\": \"#/$defs/n\"}"),
            tool("write_file", "\"path\": {\"type\": \"string\"}, \"text\": {\"type\": \"string\"}"),
            tool("search", "\"query\": {\"type\": \"string\"}, \"filters\": {\"type\": \"object\"}, \"tags\": {\"type\": \"array\"}, "
                    + "\"exact\": {\"type\": \"boolean\"}, \"limit\": {\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"null\"}]}"),
            tool("now", ""));

    /** What stands in the table. */
    record Stream(String name, String text, String prompt, String content, String reasoning, List<Call> calls, Call unfinished) {
        Answer parse(AnswerFormat format) {
            return Streams.parse(format, prompt == null ? "" : prompt, List.of(text));
        }
    }

    record Call(String id, String name, String arguments) {
    }

    private Streams() {
    }

    private static Tool tool(String name, String properties) {
        return new Tool(name, "", "{\"type\": \"object\", \"properties\": {" + properties + "}, \"$defs\": {\"n\": {\"type\": \"number\"}}}");
    }

    static List<Stream> of(AnswerFormat format) {
        String file = format.name().toLowerCase(Locale.ROOT) + ".json";
        try (var in = Streams.class.getResourceAsStream(file)) {
            return List.of(new Gson().fromJson(new InputStreamReader(in, StandardCharsets.UTF_8), Stream[].class));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static AnswerParser.Builder builder(AnswerFormat format, String prompt) {
        var count = new int[1];
        return AnswerParser.builder(format).tools(TOOLS).prompt(prompt).endTokens(List.of("</s>")).ids(() -> "made" + count[0]++);
    }

    static Answer parse(AnswerFormat format, String prompt, List<String> pieces) {
        var parser = builder(format, prompt).build();
        parts(parser, pieces);
        return parser.answer();
    }

    /** The parts of an answer in pieces, those of one kind merged. */
    static List<AnswerPart> parts(AnswerParser parser, List<String> pieces) {
        var parts = new ArrayList<AnswerPart>();
        pieces.forEach(p -> merge(parts, parser.push(p)));
        merge(parts, parser.finish());
        return parts;
    }

    private static void merge(List<AnswerPart> into, List<AnswerPart> more) {
        for (AnswerPart part : more) {
            AnswerPart last = into.isEmpty() ? new AnswerPart.CallEnd(-1) : into.getLast();
            AnswerPart merged = switch (part) {
                case AnswerPart.Content c when last instanceof AnswerPart.Content l -> new AnswerPart.Content(l.text() + c.text());
                case AnswerPart.Reasoning r when last instanceof AnswerPart.Reasoning l -> new AnswerPart.Reasoning(l.text() + r.text());
                case AnswerPart.CallArguments a when last instanceof AnswerPart.CallArguments l && l.index() == a.index() ->
                    new AnswerPart.CallArguments(a.index(), l.text() + a.text());
                default -> part;
            };
            if (merged != part) {
                into.removeLast();
            }
            into.add(merged);
        }
    }
}
