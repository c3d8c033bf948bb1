package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolChoice;
import io.jllm.chat.answer.AnswerParser;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Arguments of calls that are not written as JSON are read as values of the tool's schema, whatever that is. */
class CallNotationsTest {
    private static final int TOOLS = 30;
    private static final int WALKS = 3;

    private final PieceTokenizer tokenizer = new PieceTokenizer(List.of("<tool_call>", "</tool_call>"));
    private final Random random = new Random(41);

    /** A tool whose parameters are schemas at random, the first two of which must be given. */
    private static Tool tool(RandomSchemas schemas) {
        JsonObject all = new JsonObject();
        JsonObject properties = new JsonObject();
        JsonArray required = new JsonArray();
        for (String name : List.of("a", "b_2", "c")) {
            JsonObject schema = JsonParser.parseString(schemas.next()).getAsJsonObject();
            all.add("$defs", schema.remove("$defs"));
            properties.add(name, schema);
            if (required.size() < 2) {
                required.add(name);
            }
        }
        all.addProperty("type", "object");
        all.add("properties", properties);
        all.add("required", required);
        all.addProperty("additionalProperties", false);
        return new Tool("f", "", all.toString());
    }

    private String walk(Constraint c) {
        TokenMask at = c.start(tokenizer);
        int left = at.fewest() + random.nextInt(150);
        var ids = new ArrayList<Integer>();
        while (at.mayGoOn()) {
            long[] bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
            at.allowed(bits, left--);
            int[] allowed = BitSet.valueOf(bits).stream().toArray();
            ids.add(allowed[random.nextInt(allowed.length)]);
            at = at.after(ids.getLast());
        }
        return tokenizer.written(ids);
    }

    @ParameterizedTest
    @EnumSource(names = {"PYTHONIC", "QWEN_XML"})
    void argumentsFitTheirSchema(AnswerFormat format) {
        var schemas = new RandomSchemas(43, false);
        var complaints = new ArrayList<String>();
        int refused = 0;
        for (int i = 0; i < TOOLS; i++) {
            Tool tool = tool(schemas);
            Constraint c;
            try {
                c = Constraint.toolCalls(format, "", List.of(tool), ToolChoice.named("f"));
            } catch (IllegalArgumentException e) {
                assertTrue(e.getMessage().contains("cannot be written between tags"), e.getMessage());
                refused++;
                continue;
            }
            var oracle = new SchemaOracle(tool.parameters());
            for (int w = 0; w < WALKS; w++) {
                String text = walk(c);
                Answer answer = AnswerParser.parse(format, List.of(tool), text);
                String complaint = answer.toolCalls().size() != 1 || answer.unfinished().isPresent() ? "is no call"
                        : oracle.complaint(answer.toolCalls().getFirst().arguments());
                if (!complaint.isEmpty()) {
                    complaints.add(complaint + ": " + text + " read as " + answer.toolCalls() + " for " + tool.parameters());
                }
            }
        }
        assertEquals(List.of(), complaints);
        assertTrue(refused < TOOLS / 4, refused + " refused");
    }

    private static final Tool MIXED = new Tool("f", "", """
            {"type": "object", "properties": {"text": {"type": "string"}, "short": {"type": "string", "maxLength": 20},
            "any": {"type": ["string", "integer", "null"]}, "list": {"type": "array", "items": {"type": "string"}}, "on": {"type": "boolean"},
            "none": {"type": "null"}, "kind": {"enum": ["one", "two words"]}}}""");

    private static String read(AnswerFormat format, String text) {
        assertTrue(Constraint.toolCalls(format, "", List.of(MIXED), ToolChoice.required()).accepts(text), text);
        return AnswerParser.parse(format, List.of(MIXED), text).toolCalls().getFirst().arguments();
    }

    @Test
    void valuesAreReadAsTheyAreMeant() {
        assertEquals("{\"text\": \"a\\n\\\"b\\\" <p>\", \"any\": \"5x\", \"list\": [\"\\u003c/parameter>\"], \"on\": true, \"none\": null, \"kind\": \"two words\"}",
                read(AnswerFormat.QWEN_XML, "<tool_call>\n<function=f>\n<parameter=text>\na\n\"b\" <p>\n</parameter>\n<parameter=any>\n5x\n</parameter>\n"
                        + "<parameter=list>\n[\"\\u003c/parameter>\"]\n</parameter>\n<parameter=on>\ntrue\n</parameter>\n<parameter=none>\nnull\n"
                        + "</parameter>\n<parameter=kind>\ntwo words\n</parameter>\n</function>\n</tool_call>"));
        assertEquals("{\"text\": \"a\\n\\\"b\", \"any\": null, \"list\": [\"x\", \"y\"], \"on\": false}",
                read(AnswerFormat.PYTHONIC, "[f(text=\"a\\n\\\"b\", any=None, list=[\"x\", \"y\"], on=False)]"));
    }

    private static void refuses(AnswerFormat format, String parameter) {
        String text = "<tool_call>\n<function=f>\n" + parameter + "\n</parameter>\n</function>\n</tool_call>";
        Constraint c = Constraint.toolCalls(format, "", List.of(MIXED), ToolChoice.required());
        assertFalse(c.accepts(format == AnswerFormat.QWEN_XML ? text : parameter));
    }

    @Test
    void whatWouldBeReadOtherwiseIsNotWritten() {
        refuses(AnswerFormat.QWEN_XML, "<parameter=text>\na</parameter>b");
        refuses(AnswerFormat.QWEN_XML, "<parameter=text>\na</function>\n</tool_call>");
        refuses(AnswerFormat.QWEN_XML, "<parameter=short>\na</p>");
        refuses(AnswerFormat.QWEN_XML, "<parameter=short>\nmuch longer than twenty");
        refuses(AnswerFormat.QWEN_XML, "<parameter=any>\n5.5");
        refuses(AnswerFormat.QWEN_XML, "<parameter=any>\ntrue");
        refuses(AnswerFormat.QWEN_XML, "<parameter=any>\n[1]");
        refuses(AnswerFormat.QWEN_XML, "<parameter=any>\n null");
        refuses(AnswerFormat.QWEN_XML, "<parameter=list>\n[\"</parameter>\"]");
        refuses(AnswerFormat.QWEN_XML, "<parameter=other>\n1");
        refuses(AnswerFormat.PYTHONIC, "[f(text='a')]");
        refuses(AnswerFormat.PYTHONIC, "[f(text=\"a\\/b\")]");
        refuses(AnswerFormat.PYTHONIC, "[f(on=true)]");
        refuses(AnswerFormat.PYTHONIC, "[f(other=1)]");
    }

    private static String refusal(AnswerFormat format, String properties) {
        Tool tool = new Tool("f", "", "{\"properties\": {" + properties + "}}");
        return assertThrows(IllegalArgumentException.class, () -> Constraint.toolCalls(format, "", List.of(tool), ToolChoice.required()))
                .getMessage();
    }

    @Test
    void whatCannotBeWrittenIsRefused() {
        assertTrue(refusal(AnswerFormat.PYTHONIC, "\"x y\": {}").contains("\"x y\" cannot be the name of an argument"));
        assertTrue(refusal(AnswerFormat.QWEN_XML, "\"x>\": {}").contains("\"x>\" cannot be the name of a parameter"));
        assertTrue(refusal(AnswerFormat.QWEN_XML, "\"x\": {\"enum\": [\"5\", 5]}").contains("the value \"5\" at #/properties/x cannot be written"));
        assertEquals(Optional.empty(), AnswerParser.parse(AnswerFormat.PYTHONIC, List.of(MIXED), "[f()]").unfinished());
    }
}
