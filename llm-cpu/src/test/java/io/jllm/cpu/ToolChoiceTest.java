package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.ChatOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.SamplingParams;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import io.jllm.chat.ToolChoice;
import io.jllm.chat.tools.Conversation;
import io.jllm.chat.tools.ToolMethod;
import io.jllm.chat.tools.Tools;
import io.jllm.constraint.Constraint;
import io.jllm.schema.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Calls that are demanded of a real instruct model, SmolLM2, which calls tools badly by itself. */
class ToolChoiceTest {
    private static final Path MODEL = Path.of(System.getProperty("jllm.shared", ""), "models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
    private static final String TEMPLATE = """
            {%- if tools %}<|im_start|>system
            You may call functions:
            {% for t in tools %}{{ t | tojson }}
            {% endfor %}Call one by <tool_call>{"name": ..., "arguments": ...}</tool_call>.<|im_end|>
            {% endif -%}
            {%- for m in messages %}<|im_start|>{{ m.role }}
            {{ m.content }}{% for c in m.tool_calls %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>
            {% endfor %}<|im_start|>assistant
            """;
    private static final List<Tool> TOOLS = List.of(
            tool("get_weather", "\"city\": {\"type\": \"string\", \"maxLength\": 20}, \"days\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 14}",
                    "city", "days"),
            tool("set_alarm", "\"at\": {\"type\": \"string\", \"format\": \"time\"}, \"on\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 3, "
                    + "\"items\": {\"enum\": [\"Mo\", \"Tu\", \"We\", \"Th\", \"Fr\", \"Sa\", \"Su\"]}}", "at", "on"),
            tool("book_table", "\"guest\": {\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": 20}, \"vegan\": "
                    + "{\"type\": \"boolean\"}}, \"required\": [\"name\", \"vegan\"], \"additionalProperties\": false}, \"seats\": {\"enum\": [2, 4, 6]}",
                    "guest", "seats"),
            tool("convert", "\"amount\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 1000}, \"pair\": {\"type\": \"array\", \"prefixItems\": "
                    + "[{\"enum\": [\"EUR\", \"USD\"]}, {\"enum\": [\"JPY\", \"GBP\"]}], \"minItems\": 2, \"items\": false}", "amount", "pair"));
    private static final List<String> ASKED = List.of("How will the weather be in Rome this week?", "Wake me at seven on Monday and Friday.",
            "A table for four, please. I am Ada, and I eat no meat.", "How many yen are 100 dollars?", "Tell me a joke.");
    private static LLM llm;

    private static Tool tool(String name, String properties, String... required) {
        return new Tool(name, "Does what its name says.", "{\"type\": \"object\", \"properties\": {" + properties + "}, \"required\": [\""
                + String.join("\", \"", required) + "\"], \"additionalProperties\": false}");
    }

    @BeforeAll
    static void open() {
        assumeTrue(Files.exists(MODEL), "skipped: -Djllm.shared names no folder with " + MODEL);
        llm = LLM.load(MODEL).backend("cpu").maxContext(2048).open();
    }

    @AfterAll
    static void close() {
        if (llm != null) {
            llm.close();
        }
    }

    private static ChatOptions.Builder options(ToolChoice choice) {
        return ChatOptions.builder().template(TEMPLATE).tools(TOOLS).toolChoice(choice);
    }

    private static SamplingParams seeded(int seed) {
        return SamplingParams.builder().temperature(0.8).topP(0.9).seed(seed).maxTokens(120).build();
    }

    private static void check(ToolCall call) {
        JsonObject arguments = JsonParser.parseString(call.arguments()).getAsJsonObject();
        switch (call.name()) {
            case "get_weather" -> {
                assertTrue(arguments.get("city").getAsString().length() <= 20, call.arguments());
                assertTrue(arguments.get("days").getAsInt() >= 1 && arguments.get("days").getAsInt() <= 14, call.arguments());
            }
            case "set_alarm" -> {
                assertTrue(arguments.get("at").getAsString().matches("\\d\\d:\\d\\d:\\d\\d.*"), call.arguments());
                int days = arguments.getAsJsonArray("on").size();
                assertTrue(days >= 1 && days <= 3, call.arguments());
            }
            case "book_table" -> {
                assertTrue(Set.of(2, 4, 6).contains(arguments.get("seats").getAsInt()), call.arguments());
                assertEquals(Set.of("name", "vegan"), arguments.getAsJsonObject("guest").keySet());
            }
            case "convert" -> {
                double amount = arguments.get("amount").getAsDouble();
                assertTrue(amount >= 0 && amount <= 1000, call.arguments());
                assertEquals(2, arguments.getAsJsonArray("pair").size());
            }
            default -> throw new AssertionError("no tool is named " + call.name());
        }
    }

    @Test
    void requiredCallsFit() {
        List<CompletableFuture<ChatOutput>> outputs = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            outputs.add(llm.chatAsync(List.of(Message.user(ASKED.get(i % ASKED.size()))), options(ToolChoice.required()).build(), seeded(i)));
        }
        for (CompletableFuture<ChatOutput> output : outputs) {
            ChatOutput out = output.join().orThrow();
            if (out.finishReason() != FinishReason.LENGTH) { // the limit of tokens may leave the beginning of another call
                assertEquals("", out.answer().content());
            }
            assertTrue(!out.answer().toolCalls().isEmpty(), out.toString());
            out.answer().toolCalls().forEach(ToolChoiceTest::check);
        }
    }

    @Test
    void namedIsCalledOnce() {
        Set<String> seen = new HashSet<>();
        for (Tool tool : TOOLS) {
            ChatOptions named = options(ToolChoice.named(tool.name())).build();
            ChatOutput out = llm.chat(List.of(Message.user("Tell me a joke.")), named, seeded(7)).orThrow();
            assertEquals(FinishReason.TOOL_CALLS, out.finishReason(), out.toString());
            assertEquals(1, out.answer().toolCalls().size());
            assertEquals(tool.name(), out.answer().toolCalls().getFirst().name());
            check(out.answer().toolCalls().getFirst());
            seen.add(out.answer().toolCalls().getFirst().arguments());
        }
        assertEquals(TOOLS.size(), seen.size());
    }

    /** Makes the model begin a text, where something was said before, and leaves the rest to it. */
    private record Begins(String text, String after) implements LogitsProcessor {
        @Override
        public void process(int[] tokens, int promptLength, int length, float[] logits) {
            boolean said = llm.tokenizer().decode(Arrays.copyOf(tokens, promptLength)).contains(after);
            int[] wanted = said ? llm.tokenizer().encode(text, false, false) : new int[0];
            int at = length - promptLength;
            for (int id = 0; at < wanted.length && id < logits.length; id++) {
                logits[id] -= id == wanted[at] ? 0 : 1000;
            }
        }
    }

    @Test
    void strictBindsWhatTheModelBegins() {
        ChatOptions strict = options(ToolChoice.auto()).strictTools(true).build();
        List<Message> messages = List.of(Message.user("Tell me a joke."));
        for (int seed = 0; seed < 5; seed++) {
            SamplingParams begun = seeded(seed).toBuilder().logitsProcessor(() -> new Begins("I look. <tool_call>\n{\"name\": \"", "")).build();
            ChatOutput out = llm.chat(messages, strict, begun).orThrow();
            assertTrue(out.answer().content().startsWith("I look."), out.toString());
            out.answer().toolCalls().forEach(ToolChoiceTest::check);
            assertTrue(!out.answer().toolCalls().isEmpty(), out.toString());
        }
        SamplingParams greedy = SamplingParams.greedy().toBuilder().maxTokens(40).build();
        assertEquals(llm.chat(messages, options(ToolChoice.auto()).build(), greedy).text(), llm.chat(messages, strict, greedy).text());
    }

    /** With a constraint of the caller's the answer is bound by it, or calls that fit. */
    @Test
    void aBoundAnswerOrCalls() {
        ChatOptions auto = options(ToolChoice.auto()).callsOrConstraint(true).build();
        List<Message> messages = List.of(Message.user("Tell me a joke."));
        Constraint joke = Constraint.jsonSchema("{\"type\": \"object\", \"properties\": {\"joke\": {\"type\": \"string\", \"maxLength\": 40}}, "
                + "\"required\": [\"joke\"], \"additionalProperties\": false}");
        for (int seed = 0; seed < 2; seed++) {
            SamplingParams bound = seeded(seed).toBuilder().constraint(joke).build();
            ChatOutput called = llm.chat(messages, auto, bound.toBuilder().logitsProcessor(() -> new Begins("<tool_call>", "")).build()).orThrow();
            assertTrue(!called.answer().toolCalls().isEmpty(), called.toString());
            called.answer().toolCalls().forEach(ToolChoiceTest::check);
            assertEquals("", called.text());
            ChatOutput said = llm.chat(messages, auto, bound.toBuilder().logitsProcessor(() -> new Begins("{", "")).build()).orThrow();
            assertEquals(FinishReason.STOP, said.finishReason(), said.toString());
            assertTrue(joke.accepts(said.text()), said.text());
        }
        SamplingParams bound = seeded(1).toBuilder().constraint(joke).build();
        assertTrue(joke.accepts(llm.chat(messages, options(ToolChoice.none()).callsOrConstraint(true).build(), bound).text()));
        assertTrue(refusal(options(ToolChoice.required()).callsOrConstraint(true).build(), bound).contains("give one of them"));
        assertTrue(refusal(auto.toBuilder().answerFormat(AnswerFormat.GLM).build(), bound).contains("GLM cannot be bound"));
    }

    @Test
    void noneIsText() {
        ChatOptions none = options(ToolChoice.none()).build();
        List<Message> messages = List.of(Message.user("Tell me a joke."));
        assertEquals(llm.chatTemplate().render(messages, ChatOptions.builder().template(TEMPLATE).build()).text(),
                llm.chatTemplate().render(messages, none).text());
        String call = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {}}\n</tool_call>";
        int length = llm.tokenizer().encode(call, false, false).length;
        SamplingParams begun = seeded(1).toBuilder().maxTokens(length).logitsProcessor(() -> new Begins(call, "")).build();
        ChatOutput out = llm.chat(messages, none, begun).orThrow();
        assertEquals(List.of(), out.answer().toolCalls());
        assertEquals(call, out.text());
    }

    /** A tool. */
    public static final class Clock {
        /** Its only function. */
        @ToolMethod("The time in a city.")
        public String time(@Name("city") String city) {
            return "7:00";
        }
    }

    @Test
    void conversationsDemandTheFirstAnswerOnly() {
        ChatOptions required = ChatOptions.builder().template(TEMPLATE).toolChoice(ToolChoice.required()).build();
        SamplingParams greedy = SamplingParams.greedy().toBuilder().maxTokens(120).logitsProcessor(() -> new Begins("At seven o", "7:00")).build();
        List<Message> question = List.of(Message.user("What time is it in Rome?"));
        Conversation.Transcript all = llm.converse(question, Conversation.with(Tools.of(new Clock())).withMaxRounds(1), required, greedy);
        assertEquals("time", all.messages().get(1).toolCalls().getFirst().name());
        assertTrue(all.answer().content().startsWith("At seven o"), all.toString());
    }

    private static String refusal(ChatOptions options, SamplingParams params) {
        return assertThrows(IllegalArgumentException.class, () -> llm.chat(List.of(Message.user("Hello")), options, params)).getMessage();
    }

    @Test
    void whatCannotBeIsRefused() {
        ChatOptions required = options(ToolChoice.required()).build();
        SamplingParams bound = seeded(1).toBuilder().constraint(Constraint.json()).build();
        assertTrue(refusal(required, bound).contains("give one of them"));
        assertTrue(refusal(required.toBuilder().continueLastMessage(true).build(), seeded(1)).contains("continueLastMessage"));
        assertTrue(refusal(required.toBuilder().answerFormat(AnswerFormat.GLM).build(), seeded(1)).contains("GLM cannot be bound"));
        assertTrue(refusal(options(ToolChoice.named("fly")).build(), seeded(1)).contains("fly"));
        assertTrue(refusal(ChatOptions.builder().template(TEMPLATE).toolChoice(ToolChoice.required()).build(), seeded(1)).contains("needs tools"));
    }
}
