package io.jllm.tokenizer.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.tokenizer.Golden;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What the files beside {@code tokenizer.json} say, read as transformers reads it: {@code configurations.py} among the resources. */
class ConfigurationsTest {
    @TempDir
    Path temporary;

    @TestFactory
    Stream<DynamicTest> configurations() throws IOException {
        try (var in = new InputStreamReader(ConfigurationsTest.class.getResourceAsStream("/io/jllm/tokenizers/configurations.json"),
                StandardCharsets.UTF_8)) {
            var cases = JsonParser.parseReader(in).getAsJsonArray();
            assertTrue(cases.size() > 20);
            return IntStream.range(0, cases.size()).mapToObj(i -> {
                JsonObject c = cases.get(i).getAsJsonObject();
                return DynamicTest.dynamicTest(i + " " + c.get("changes") + c.get("files"), () -> check(c, temporary.resolve("case" + i)));
            }).toList().stream();
        }
    }

    private static void check(JsonObject c, Path folder) throws IOException {
        Files.createDirectories(folder);
        JsonObject json = JsonParser.parseString(Files.readString(Golden.folder(c.get("base").getAsString()).resolve("tokenizer.json")))
                .getAsJsonObject();
        JsonObject vocab = json.getAsJsonObject("model").getAsJsonObject("vocab");
        c.getAsJsonArray("vocabulary").forEach(token -> vocab.addProperty(token.getAsString(), vocab.size()));
        c.getAsJsonObject("changes").entrySet().forEach(e -> json.add(e.getKey(), e.getValue()));
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        for (var file : c.getAsJsonObject("files").entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue().toString());
        }
        try (Tokenizer tokenizer = HuggingFaceTokenizers.fromFolder(folder)) {
            for (JsonElement element : c.getAsJsonArray("texts")) {
                JsonObject t = element.getAsJsonObject();
                String text = t.get("text").getAsString();
                assertArrayEquals(ints(t.get("ids")), tokenizer.encode(text, false, true), text);
                assertArrayEquals(ints(t.get("idsWithBos")), tokenizer.encode(text), text);
                // There, characters of an added token that are in the byte-level alphabet become bytes, and break.
                if (t.get("decoded").getAsString().indexOf('\uFFFD') < 0) {
                    assertEquals(t.get("decoded").getAsString(), tokenizer.decode(ints(t.get("ids"))), text);
                }
            }
            if (!c.get("bos").isJsonNull()) { // else it is what the template puts first
                assertEquals(id(c.get("bos")), tokenizer.bos());
            }
            assertEquals(id(c.get("eos")).stream().boxed().collect(Collectors.toSet()), tokenizer.eos());
            assertEquals(c.get("size").getAsInt(), tokenizer.vocabSize());
        }
    }

    private static OptionalInt id(JsonElement json) {
        return json.isJsonNull() ? OptionalInt.empty() : OptionalInt.of(json.getAsInt());
    }

    private static int[] ints(JsonElement json) {
        return json.getAsJsonArray().asList().stream().mapToInt(JsonElement::getAsInt).toArray();
    }
}
