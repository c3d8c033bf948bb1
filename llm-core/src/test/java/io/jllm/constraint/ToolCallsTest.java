package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import io.jllm.chat.ToolChoice;
import io.jllm.chat.answer.AnswerParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Whatever a mask lets pass is calls that parse and fit. */
class ToolCallsTest {
    private static final List<Tool> TOOLS = List.of(
            new Tool("get_weather", "", """
                    {"type": "object", "properties": {"city": {"type": "string", "maxLength": 9}, "days": {"type": "integer", "minimum": 1,
                    "maximum": 14}, "unit": {"enum": ["C", "F"]}}, "required": ["city", "days"], "additionalProperties": false}"""),
            new Tool("now", "", "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}"),
            new Tool("book", "", """
                    {"properties": {"trip": {"$ref": "#/$defs/trip"}}, "required": ["trip"], "additionalProperties": false, "$defs": {
                    "trip": {"type": "object", "properties": {"to": {"type": "string", "pattern": "^[A-Z]{3}$"}, "via": {"type": "array",
                    "maxItems": 2, "items": {"$ref": "#/$defs/trip"}}}, "required": ["to"], "additionalProperties": false}}}"""));
    private static final List<String> MARKS = List.of("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "<|tool_call|>", "<|/tool_call|>",
            "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>", "<|START_ACTION|>",
            "<|END_ACTION|>", "<|tool_calls_section_begin|>", "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>",
            "<|tool_calls_section_end|>", "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|call|>", "<think>", "</think>",
            "<|python_start|>", "<|python_end|>", "<|tool_call_start|>");
    private static final PieceTokenizer SPECIAL = new PieceTokenizer(MARKS);
    private static final PieceTokenizer SPELLED = new PieceTokenizer(List.of());

    /**
     * A format as a template has it.
     *
     * @param begins text that begins a call of {@code get_weather}
     * @param ends and what ends it behind its arguments
     */
    record Form(AnswerFormat format, String template, String begins, String ends) {
        Constraint bound(ToolChoice choice) {
            return Constraint.toolCalls(format, template, TOOLS, choice);
        }

        /** Whether no mark begins its calls. */
        boolean bare() {
            return begins.startsWith("{") || begins.startsWith("[get");
        }

        /** A call of {@code get_weather} for Rome. */
        String call(String days) {
            return begins + switch (format) {
                case PYTHONIC -> "(city=\"Rome\", days=" + days + ")";
                case QWEN_XML -> "<parameter=city>\nRome\n</parameter>\n<parameter=days>\n" + days + "\n</parameter>\n";
                default -> "{\"city\": \"Rome\", \"days\": " + days + "}";
            } + ends;
        }

        Answer parse(String text) {
            return AnswerParser.parse(format, TOOLS, text);
        }
    }

    private static final List<Form> FORMS = List.of(
            new Form(AnswerFormat.HERMES, "", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": ", "}\n</tool_call>"),
            new Form(AnswerFormat.LLAMA_JSON, "", "{\"name\": \"get_weather\", \"parameters\": ", "}"),
            new Form(AnswerFormat.MISTRAL, "\"[TOOL_CALLS] [\"", "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": ", "}]"),
            new Form(AnswerFormat.MISTRAL, "\"[TOOL_CALLS][\"", "[TOOL_CALLS][{\"name\": \"get_weather\", \"arguments\": ", "}]"),
            new Form(AnswerFormat.MISTRAL, "'[TOOL_CALLS]' + name + '[ARGS]'", "[TOOL_CALLS]get_weather[ARGS]", ""),
            new Form(AnswerFormat.GRANITE, "", "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": ", "}]"),
            new Form(AnswerFormat.PHI, "", "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": ", "}]<|/tool_call|>"),
            new Form(AnswerFormat.PHI, "functools[", "functools[{\"name\": \"get_weather\", \"arguments\": ", "}]"),
            new Form(AnswerFormat.DEEPSEEK, "```json", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n",
                    "\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
            new Form(AnswerFormat.DEEPSEEK, "", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>",
                    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
            new Form(AnswerFormat.COMMAND, "<|START_ACTION|>",
                    "<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"get_weather\", \"parameters\": ", "}\n]<|END_ACTION|>"),
            new Form(AnswerFormat.COMMAND, "", "Action: ```json\n[\n    {\n        \"tool_name\": \"get_weather\",\n        \"parameters\": ",
                    "\n    }\n]\n```"),
            new Form(AnswerFormat.KIMI, "", "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>",
                    "<|tool_call_end|><|tool_calls_section_end|>"),
            new Form(AnswerFormat.QWEN_XML, "", "<tool_call>\n<function=get_weather>\n", "</function>\n</tool_call>"),
            new Form(AnswerFormat.PYTHONIC, "", "[get_weather", "]"),
            new Form(AnswerFormat.PYTHONIC, "<|python_start|>", "<|python_start|>[get_weather", "]<|python_end|>"),
            new Form(AnswerFormat.PYTHONIC, "<|tool_call_start|>", "<|tool_call_start|>[get_weather", "]<|tool_call_end|>"),
            new Form(AnswerFormat.PYTHONIC, "<function_calls>", "<function_calls>\nget_weather", "\n</function_calls>"),
            new Form(AnswerFormat.HARMONY, "", "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>", ""));

    /** Goes through masks by tokens, some chosen by chance. */
    private static final class Walk {
        private final PieceTokenizer tokenizer;
        private final Random random;
        private final List<Integer> ids = new ArrayList<>();
        private TokenMask mask;

        Walk(Constraint constraint, PieceTokenizer tokenizer, long seed) {
            this.tokenizer = tokenizer;
            random = new Random(seed);
            mask = constraint.start(tokenizer);
        }

        private List<Integer> allowed() {
            long[] bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
            mask.allowed(bits);
            List<Integer> all = new ArrayList<>();
            for (int id = 1; id < tokenizer.vocabSize(); id++) {
                if ((bits[id / Long.SIZE] >> id & 1) != 0) {
                    all.add(id);
                }
            }
            return all;
        }

        private void take(int id) {
            mask = mask.after(id);
            ids.add(id);
        }

        /** Writes a text, every token of which must be allowed. */
        Walk write(String text) {
            for (int id : tokenizer.encode(text)) {
                assertTrue(allowed().contains(id), "at " + text() + ": " + tokenizer.token(id));
                take(id);
            }
            return this;
        }

        /** Goes on by chance until the text may end, and then now and then further. */
        String wander(double further) {
            while (!mask.mayEnd() || mask.mayGoOn() && random.nextDouble() < further) {
                List<Integer> all = allowed();
                assertFalse(all.isEmpty(), "nothing may follow " + text());
                take(all.get(random.nextInt(all.size())));
                assertTrue(ids.size() < 20_000, "goes on for ever: " + text());
            }
            return text();
        }

        String text() {
            return tokenizer.written(ids);
        }
    }

    private static void check(ToolCall call) {
        JsonObject arguments = JsonParser.parseString(call.arguments()).getAsJsonObject();
        switch (call.name()) {
            case "get_weather" -> {
                int days = arguments.get("days").getAsInt();
                assertTrue(days >= 1 && days <= 14, call.arguments());
                String city = arguments.get("city").getAsString();
                assertTrue(city.codePointCount(0, city.length()) <= 9, call.arguments());
                assertTrue(!arguments.has("unit") || "CF".contains(arguments.get("unit").getAsString()), call.arguments());
            }
            case "now" -> assertEquals(0, arguments.size());
            case "book" -> checkTrip(arguments.getAsJsonObject("trip"));
            default -> throw new AssertionError("no tool is named " + call.name());
        }
    }

    private static void checkTrip(JsonObject trip) {
        assertTrue(trip.get("to").getAsString().matches("[A-Z]{3}"), trip.toString());
        if (trip.has("via")) {
            assertTrue(trip.getAsJsonArray("via").size() <= 2);
            trip.getAsJsonArray("via").forEach(via -> checkTrip(via.getAsJsonObject()));
        }
    }

    private static Answer checked(Form form, String text) {
        Answer answer = form.parse(text);
        assertFalse(answer.toolCalls().isEmpty(), text);
        assertEquals(Optional.empty(), answer.unfinished(), text);
        answer.toolCalls().forEach(ToolCallsTest::check);
        return answer;
    }

    @ParameterizedTest
    @FieldSource("FORMS")
    void requiredCallsParseAndFit(Form form) {
        int most = 0;
        for (PieceTokenizer tokenizer : List.of(SPECIAL, SPELLED)) {
            Constraint required = form.bound(ToolChoice.required());
            for (int seed = 0; seed < 40; seed++) {
                var walk = new Walk(required, tokenizer, seed);
                if (form.format == AnswerFormat.HARMONY) { // by chance reasoning would not end
                    walk.write("<|channel|>commentary");
                }
                String text = walk.wander(0.8);
                Answer answer = checked(form, text);
                assertEquals("", answer.content(), text);
                most = Math.max(most, answer.toolCalls().size());
                assertTrue(required.accepts(text), text);
            }
        }
        boolean one = form.format == AnswerFormat.LLAMA_JSON || form.format == AnswerFormat.HARMONY;
        assertTrue(one ? most == 1 : most > 1, most + " calls");
    }

    @ParameterizedTest
    @FieldSource("FORMS")
    void namedIsOneCall(Form form) {
        Constraint named = form.bound(ToolChoice.named("book"));
        for (int seed = 0; seed < 20; seed++) {
            var walk = new Walk(named, SPECIAL, seed).write(form.begins.substring(0, form.begins.indexOf("get_weather")));
            List<ToolCall> calls = checked(form, walk.wander(1)).toolCalls();
            assertEquals(List.of("book"), calls.stream().map(ToolCall::name).toList());
        }
        assertFalse(named.accepts(form.call("3")));
    }

    /** As the templates write them; and what differs is not accepted. */
    @ParameterizedTest
    @FieldSource("FORMS")
    void callsAreWrittenAsTemplatesTeach(Form form) {
        Constraint required = form.bound(ToolChoice.required());
        String good = form.call("3");
        assertTrue(required.accepts(good));
        assertEquals(Optional.empty(), form.parse(good).unfinished());
        for (PieceTokenizer tokenizer : List.of(SPECIAL, SPELLED)) {
            assertTrue(new Walk(required, tokenizer, 0).write(good).mask.mayEnd());
        }
        assertFalse(required.accepts(""));
        assertFalse(required.accepts("Hello"));
        assertFalse(required.accepts("Hello " + good));
        assertFalse(required.accepts(good + "Hello"));
        assertFalse(required.accepts(form.call("15")));
        assertFalse(required.accepts(good.replace("get_weather", "get_whether")));
    }

    /** In a free text: what begins a call is bound, however it is spelled, and behind it the text is free again. */
    @ParameterizedTest
    @FieldSource("FORMS")
    void strictBindsFromTheMark(Form form) {
        Constraint strict = form.bound(ToolChoice.auto());
        boolean harmony = form.format == AnswerFormat.HARMONY;
        boolean bare = form.bare();
        for (PieceTokenizer tokenizer : List.of(SPECIAL, SPELLED)) {
            String plain = harmony ? "<|channel|>final<|message|>No, 2 < 3." : "No, 2 < 3. <tool [T <| A {\"name\": é";
            assertTrue(new Walk(strict, tokenizer, 0).write(plain).mask.mayEnd());
            assertEquals(List.of(), form.parse(plain).toolCalls());
            String before = bare || harmony ? "" : "Let me see. <tool_ca [TOOL_CALL\n";
            for (int seed = 0; seed < 20; seed++) {
                var walk = new Walk(strict, tokenizer, seed).write(before + form.begins.substring(0, form.begins.indexOf("get_weather")));
                assertFalse(walk.mask.mayEnd());
                Answer answer = checked(form, walk.wander(0));
                assertTrue(answer.content().startsWith(before.strip()), walk.text());
                if (!bare && !harmony) {
                    walk.write("So it is. ").write(form.call("3"));
                    assertEquals(answer.toolCalls().size() + 1, form.parse(walk.text()).toolCalls().size());
                }
            }
        }
        assertFalse(strict.accepts(form.call("\"3\"")));
    }

    /** A mark that is a special token is one too where it is spelled out. */
    @Test
    void spelledMarksCount() {
        var walk = new Walk(FORMS.getFirst().bound(ToolChoice.auto()), SPECIAL, 0);
        for (char c : "Now <tool_call>".toCharArray()) {
            walk.take(MARKS.size() + 1 + c);
        }
        assertFalse(walk.mask.mayEnd());
        assertEquals("\n", SPECIAL.written(walk.allowed()));
    }

    /** Other ways to begin a call that a parser knows cannot be written. */
    @Test
    void othersMarksAreForbidden() {
        Constraint strict = Constraint.toolCalls(AnswerFormat.LLAMA_JSON, "", TOOLS, ToolChoice.auto());
        assertFalse(strict.accepts("See <function=now>{}</function>"));
        assertFalse(strict.accepts("[{\"name\": \"now\", \"parameters\": {}}]"));
        assertFalse(strict.accepts("{\"a\": 1}"));
        assertTrue(strict.accepts("So: {\"a\": 1}"));
        assertTrue(strict.accepts("See <function now>"));
        assertTrue(strict.accepts(" {\"name\": \"now\", \"parameters\": {}}"));
        assertFalse(Constraint.toolCalls(AnswerFormat.KIMI, "", TOOLS, ToolChoice.auto()).accepts("<|tool_call_begin|>"));
    }

    @Test
    void reasoningComesBefore() {
        Form hermes = FORMS.getFirst();
        Constraint behind = Constraint.behindReasoning(hermes.bound(ToolChoice.required()), Optional.of("<think>"), "</think>");
        String call = hermes.call("3");
        for (String thought : List.of("", "<think>Now < </thin <tool_call>{}</think>\n\n", "<think>\n</think>")) {
            Answer answer = hermes.parse(new Walk(behind, SPECIAL, 1).write(thought + call).text());
            assertEquals(1, answer.toolCalls().size(), thought);
        }
        var thinking = new Walk(behind, SPECIAL, 1).write("<think>Hm");
        assertFalse(thinking.mask.mayEnd());
        thinking.write("</think>");
        assertFalse(thinking.allowed().contains((int) 'H' + MARKS.size() + 1));
        Constraint spelled = Constraint.behindReasoning(Constraint.choices(List.of("yes", "no")), Optional.empty(), "</think>");
        var walk = new Walk(spelled, SPELLED, 1).write("I <</thi</think>\n\n");
        assertFalse(walk.mask.mayEnd());
        assertTrue(walk.write("yes").mask.mayEnd());
        assertFalse(walk.mask.mayGoOn());
        var reasoning = new Walk(FORMS.getLast().bound(ToolChoice.required()), SPECIAL, 1)
                .write("<|channel|>analysis<|message|>I should.<|end|><|start|>assistant");
        Answer answer = checked(FORMS.getLast(), reasoning.wander(0));
        assertEquals(Optional.of("I should."), answer.reasoning());
    }

    private static String refusal(AnswerFormat format, List<Tool> tools, ToolChoice choice) {
        return assertThrows(IllegalArgumentException.class, () -> Constraint.toolCalls(format, "", tools, choice)).getMessage();
    }

    @Test
    void whatCannotBeIsRefused() {
        for (AnswerFormat format : AnswerFormat.values()) {
            if (FORMS.stream().noneMatch(f -> f.format == format)) {
                String refusal = refusal(format, TOOLS, ToolChoice.required());
                assertTrue(refusal.contains(format + " cannot be bound") && refusal.contains("HERMES") && refusal.contains("answerFormat"), refusal);
            }
        }
        assertTrue(refusal(AnswerFormat.HERMES, List.of(), ToolChoice.required()).contains("required needs tools"));
        assertTrue(refusal(AnswerFormat.HERMES, TOOLS, ToolChoice.named("fly")).contains("fly, and there are get_weather, now, book"));
        assertTrue(refusal(AnswerFormat.HERMES, TOOLS, ToolChoice.none()).contains("none"));
        var named = List.of(new Tool("a\"b", "", "{}"));
        assertTrue(refusal(AnswerFormat.HERMES, named, ToolChoice.required()).contains("a\"b"));
        var twice = List.of(TOOLS.get(1), TOOLS.get(1));
        assertTrue(refusal(AnswerFormat.HERMES, twice, ToolChoice.required()).contains("two tools are named now"));
        var not = List.of(new Tool("f", "", "{\"type\": \"object\", \"not\": {}}"));
        assertTrue(refusal(AnswerFormat.HERMES, not, ToolChoice.auto()).contains("tool f cannot be bound"));
        for (String schema : List.of("{\"type\": \"string\"}", "[]", "{", "true")) {
            String refusal = refusal(AnswerFormat.HERMES, List.of(new Tool("f", "", schema)), ToolChoice.required());
            assertTrue(refusal.startsWith("the parameters of the tool f cannot be bound: they"), refusal);
        }
    }
}
