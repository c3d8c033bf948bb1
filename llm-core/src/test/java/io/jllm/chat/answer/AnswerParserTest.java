package io.jllm.chat.answer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AnswerParserTest {
    private static final String CALL = "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}</tool_call>";

    @Test
    void partsComeAsSoonAsTheyAreCertain() {
        var parser = Streams.builder(AnswerFormat.HERMES, "").build();
        assertEquals(List.of(new AnswerPart.Content("I look")), parser.push("I look <tool"));
        assertEquals(List.of(), parser.push("_call>{\"name\": \"get_weather\", \"arguments\": "));
        assertEquals(List.of(new AnswerPart.CallStart(0, "made0", "get_weather"), new AnswerPart.CallArguments(0, "{\"ci")), parser.push("{\"ci"));
        assertEquals(List.of(new AnswerPart.CallArguments(0, "ty\": \"Pa")), parser.push("ty\": \"Pa"));
        assertEquals(List.of(new AnswerPart.CallArguments(0, "ris\"}"), new AnswerPart.CallEnd(0)), parser.push("ris\"}}</tool"));
        assertEquals(List.of(), parser.push("_call>\n"));
        assertEquals(List.of(), parser.finish());
        assertEquals(List.of(), parser.finish());
        assertThrows(IllegalStateException.class, () -> parser.push("x"));
    }

    @Test
    void textInElementsIsPassedOnAsItComes() {
        var parser = Streams.builder(AnswerFormat.QWEN_XML, "").build();
        parser.push("<tool_call>\n<function=write_file>\n<parameter=text>\n");
        assertEquals(List.of(new AnswerPart.CallArguments(0, "a \\\"b\\\"")), parser.push("a \"b\""));
        assertEquals(List.of(new AnswerPart.CallArguments(0, "\\nc")), parser.push("\nc\n"));
        assertEquals(List.of(new AnswerPart.CallArguments(0, "\"}"), new AnswerPart.CallEnd(0)), parser.push("</parameter></function>"));
    }

    @Test
    void anUnfinishedCallHasNoEndAndIsInNoMessage() {
        var answer = AnswerParser.parse(AnswerFormat.HERMES, Streams.TOOLS, "Wait." + CALL + CALL.substring(0, 60));
        assertEquals(1, answer.toolCalls().size());
        assertEquals("get_weather", answer.unfinished().orElseThrow().name());
        Message message = answer.toMessage();
        assertEquals(Role.ASSISTANT, message.role());
        assertEquals("Wait.", message.content());
        assertEquals(answer.toolCalls(), message.toolCalls());
    }

    @Test
    void idsAreUniqueAndOfTheFormThatTemplatesWant() {
        var ids = new ArrayList<String>();
        for (int i = 0; i < 50; i++) {
            AnswerParser.parse(AnswerFormat.HERMES, List.of(), CALL + CALL).toolCalls().forEach(c -> ids.add(c.id()));
        }
        assertEquals(100, ids.stream().distinct().count());
        assertTrue(ids.stream().allMatch(id -> id.matches("call_[a-zA-Z0-9]{24}")), ids::toString);
        String mistral = AnswerParser.parse(AnswerFormat.MISTRAL, List.of(), "[TOOL_CALLS]now[ARGS]{}").toolCalls().getFirst().id();
        assertTrue(mistral.matches("[a-zA-Z0-9]{9}"), mistral);
    }

    /** What was streamed at any time is the beginning of what is whole in the end, and all that is whole is a JSON object. */
    @ParameterizedTest
    @EnumSource
    void argumentsThatTheTableCallsWellFormedAreJson(AnswerFormat format) {
        for (var stream : Streams.of(format)) {
            if (!stream.name().startsWith("malformed") && !stream.name().contains("an expression") && !stream.name().contains("quote that")
                    && !stream.name().contains("as keys") && !stream.name().contains("built-in")) {
                for (var call : stream.parse(format).toolCalls()) {
                    assertTrue(JsonValue.isWhole(call.arguments()), call.arguments());
                    assertTrue(JsonParser.parseString(call.arguments()) instanceof JsonObject, call.arguments());
                }
            }
        }
    }

    /** Texts that would cost time with the square of their length if what looked like calls were read again and again. */
    @ParameterizedTest
    @EnumSource
    void hugeAnswers(AnswerFormat format) {
        String city = "Zürich \\\"x\\\" ".repeat(100_000);
        var whole = AnswerParser.parse(AnswerFormat.HERMES, List.of(), CALL.replace("Paris", city));
        assertEquals("{\"city\": \"" + city + "\"}", whole.toolCalls().getFirst().arguments());
        for (String piece : List.of("<tool_call>{\"arguments\": {\"a\": [", "<tool_call>", "[TOOL_CALLS][{\"arguments\": \"", "<|channel|>", "[", "{", " ",
                "<|python_tag|>{\"parameters\":", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>", "```tool_code", "</tool_call>", "<|im_end|>", "\n<think>")) {
            String text = piece.repeat(300_000 / piece.length());
            var parser = Streams.builder(format, "").build();
            int at = 0;
            for (; at + 7 < text.length(); at += 7) {
                parser.push(text.substring(at, at + 7));
            }
            parser.push(text.substring(at));
            parser.finish();
            assertEquals(AnswerParser.parse(format, Streams.TOOLS, text).content(), parser.answer().content());
        }
    }

    @Test
    void endTokensOfTheModel() {
        assertEquals("a</s>", AnswerParser.parse(AnswerFormat.PLAIN, List.of(), "a</s>").content());
        var parser = AnswerParser.builder(AnswerFormat.PLAIN).endTokens(List.of("</s>", "")).build();
        parser.push("a </s>");
        parser.finish();
        assertEquals("a ", parser.answer().content());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', value = {
        "HERMES ~ <tool_call>\\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\\n</tool_call>",
        "QWEN_XML ~ <tool_call>\\n<function=example_function_name>\\n<parameter=example_parameter_1>",
        "LLAMA_JSON ~ <|start_header_id|> if tools is not none <|python_tag|>",
        "PYTHONIC ~ <|tool_list_start|>", "COMMAND ~ <|START_OF_TURN_TOKEN|>",
        "PYTHONIC ~ <|header_start|>assistant<|header_end|>",
        "PYTHONIC ~ <|start_header_id|> Respond in the format [func_name1(params_name1=params_value1)]",
        "MISTRAL ~ {{ \"[TOOL_CALLS] [\" }}", "DEEPSEEK ~ '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>'",
        "HARMONY ~ <|start|>assistant<|channel|>final<|message|>", "GEMMA ~ <start_of_turn>model",
        "GEMMA4 ~ <|tool_call>call:", "GRANITE ~ <|start_of_role|>assistant<|end_of_role|><|tool_call|>", "PHI ~ <|tool_call|>[]<|/tool_call|>",
        "COMMAND ~ <|START_THINKING|><|START_ACTION|>", "GLM ~ <tool_call>{{ name }}<arg_key>", "KIMI ~ <|tool_call_begin|><|tool_call_argument_begin|>",
        "SEED ~ <seed:bos>system", "MINIMAX ~ <minimax:tool_call><invoke name=\"", "PLAIN ~ <|im_start|>assistant",
        "PLAIN ~ <|start_header_id|>assistant<|end_header_id|>"})
    void formatsAreRecognised(AnswerFormat format, String template) {
        assertEquals(format, AnswerFormat.detect(template));
    }

    @ParameterizedTest
    @CsvSource({"qwen3, HERMES", "deepseek_v3, DEEPSEEK", "gemma3, GEMMA", "llama3_1, PLAIN", "tinyllama, PLAIN"})
    void formatsOfRealTemplates(String model, AnswerFormat format) throws Exception {
        Path config = Path.of(System.getProperty("jllm.shared", ""), "tokenizers", "hf", model, "tokenizer_config.json");
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.exists(config), "needs tokenizers/hf under -Djllm.shared");
        String template = JsonParser.parseString(Files.readString(config)).getAsJsonObject().get("chat_template").getAsString();
        assertEquals(format, AnswerFormat.detect(template));
        assertNotEquals("", template);
    }
}
