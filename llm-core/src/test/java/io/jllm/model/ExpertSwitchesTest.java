package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.convert.Converter;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.TinyModels;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Switches of families with experts that the models of others do not have on, against transformers 5.18 in float32: tiny models as folders, with
 * all that transformers writes in their configuration and with what differs from its defaults, and as the GGUF files that are made of them.
 */
class ExpertSwitchesTest {
    private static final int[] LENGTHS = {1, 9, 40};
    private static final int BLOCK = 16;
    private static final double TOLERANCE = 1e-4;

    @TempDir
    private Path temp;

    /** The models, with what transformers computes of them. */
    static List<JsonObject> models() throws IOException {
        try (var in = new InputStreamReader(ExpertSwitchesTest.class.getResourceAsStream("experts.json"), StandardCharsets.UTF_8)) {
            return StreamSupport.stream(JsonParser.parseReader(in).getAsJsonArray().spliterator(), false).map(JsonElement::getAsJsonObject).toList();
        }
    }

    @TestFactory
    Stream<DynamicTest> switches() throws IOException {
        return models().stream().flatMap(model -> {
            String title = model.get("title").getAsString();
            Path place = temp.resolve(title.replace(' ', '-'));
            JsonObject brief = model.deepCopy();
            brief.add("config", model.get("said"));
            return Stream.of(DynamicTest.dynamicTest(title, () -> check(FormulaFolder.write(place, model), model)),
                    DynamicTest.dynamicTest(title + ", the rest unsaid", () -> check(FormulaFolder.write(place, brief), model)),
                    DynamicTest.dynamicTest(title + ", converted", () -> check(converted(FormulaFolder.write(place, model)), model)));
        });
    }

    private static Path converted(Path folder) throws IOException {
        Path file = Path.of(folder + ".gguf");
        Converter.convert(folder, file, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        return file;
    }

    private static void check(Path path, JsonObject model) {
        try (var loaded = ModelFiles.open(path)) {
            for (int i = 0; i < LENGTHS.length; i++) {
                same(model.getAsJsonArray("logits").get(i).getAsJsonArray(), logits(loaded, LENGTHS[i]),
                        path.getFileName() + ", " + LENGTHS[i] + " tokens");
            }
        }
    }

    /** Of the last of so many tokens. */
    static float[] logits(LoadedModel model, int length) {
        var ids = IntStream.range(0, length).mapToObj(i -> (7 * i * i + 3 * i + 5) % 48).toList();
        try (var backend = new ReferenceBackend()) {
            assertEquals(List.of(), backend.unsupported(model.program(), model.weights()));
            try (var runner = backend.load(model.program(), model.weights(), new Backend.RunnerOptions(64, 1, 1, BLOCK, 4, 0, DType.F32))) {
                runner.forward(TinyModels.single(ids, 0, BLOCK, 1));
                return runner.logits().asSlice(0, 48L * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
            }
        }
    }

    static void same(JsonArray want, float[] got, String what) {
        double squares = StreamSupport.stream(want.spliterator(), false).mapToDouble(w -> w.getAsDouble() * w.getAsDouble()).sum();
        double rms = Math.sqrt(squares / want.size());
        assertTrue(rms > 0.05, what);
        assertEquals(want.size(), got.length);
        for (int i = 0; i < got.length; i++) {
            assertEquals(want.get(i).getAsDouble(), got[i], TOLERANCE * rms, what + ", logit " + i);
        }
    }
}
