package io.jllm.jmh.grammar;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.constraint.Constraint;
import io.jllm.demo.DemoModel;
import io.jllm.jmh.models.Models;
import io.jllm.load.ModelFiles;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * A schema of the benchmarks, which lie beside this class as a file that other programs can read too.
 *
 * @param name what it is called
 * @param schema its JSON
 * @param answers texts that obey it
 */
record Schemas(String name, String schema, List<String> answers) {
    /** All of them. */
    static List<Schemas> all() {
        try (InputStream in = Schemas.class.getResourceAsStream("schemas.json")) {
            JsonArray all = JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8)).getAsJsonArray();
            return all.asList().stream().map(JsonElement::getAsJsonObject).map(Schemas::of).toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Schemas of(JsonObject json) {
        return new Schemas(json.get("name").getAsString(), json.get("schema").toString(),
                json.getAsJsonArray("answers").asList().stream().map(JsonElement::getAsString).toList());
    }

    Constraint compile() {
        return Constraint.jsonSchema(schema);
    }

    /** The demo model's tokenizer, or that of a Hugging Face folder. */
    static Tokenizer tokenizer(String of) {
        return of.equals(Models.DEMO) ? ModelFiles.open(DemoModel.path()).tokenizer().orElseThrow() : HuggingFaceTokenizers.fromFolder(Path.of(of));
    }
}
