package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.convert.Converter;
import io.jllm.quant.DType;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tiny models of families that others made, as folders with the configurations of transformers 4 and 5, as GGUF files of llama.cpp, and as
 * those that we make of the folders, against what transformers computed in float32. {@code -Djllm.family=NAME} picks one.
 */
public abstract class FamilyOracles {
    private static final List<String> RECURRENT = List.of("lfm2", "qwen3_5", "qwen3_next");

    @TempDir
    private Path temp;

    /** Opens a model on the backend that is tested. */
    protected abstract LLM open(Path model);

    /** Largest difference of a logit, relative to the root mean square of all. */
    protected double tolerance() {
        return 1e-4;
    }

    /** A token may be another one where the likeliest two are nearer than this. */
    protected double margin() {
        return 1e-3;
    }

    /** Whether models of a configuration are tested. */
    protected boolean tests(JsonObject config) {
        return true;
    }

    /** Every folder of a family that is known, with a test for each of its forms. */
    @TestFactory
    final Stream<DynamicContainer> families() throws IOException {
        return folders().stream().filter(f -> tests(config(f))).map(f -> DynamicContainer.dynamicContainer(f.getFileName().toString(), forms(f)));
    }

    /** All folders but those that are refused. */
    static List<Path> folders() throws IOException {
        String one = System.getProperty("jllm.family", "");
        try (var all = Files.list(shared().resolve("families"))) {
            return all.filter(Files::isDirectory).filter(f -> one.isEmpty() || f.getFileName().toString().equals(one))
                    .filter(f -> !RECURRENT.contains(f.getFileName().toString())).sorted(Comparator.comparing(Path::toString)).toList();
        }
    }

    private static Path shared() {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, oracles/families is looked for there");
        return Path.of(root, "oracles");
    }

    @Test
    final void whatKeepsARecurrentStateIsRefusedByName() {
        for (String name : RECURRENT) {
            for (Path model : List.of(shared().resolve("families").resolve(name), shared().resolve("families-gguf").resolve(name + ".gguf"))) {
                String said = assertThrows(ModelLoadException.class, () -> open(model).close()).getMessage();
                assertTrue(said.contains("recurrent state"), said);
            }
        }
    }

    private static JsonObject config(Path folder) {
        try {
            return JsonParser.parseString(Files.readString(folder.resolve("config.json"))).getAsJsonObject();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Stream<DynamicTest> forms(Path given) {
        String name = given.getFileName().toString();
        Path file = given.resolveSibling("../families-gguf").resolve(name + ".gguf").normalize();
        Path hub = given.resolve("config.hub.json");
        return Stream.of(DynamicTest.dynamicTest("folder", () -> check(given, given)),
                DynamicTest.dynamicTest("folder with the configuration of transformers 4",
                        () -> check(Files.exists(hub) ? relinked(given, hub) : given, given)),
                DynamicTest.dynamicTest("our GGUF", () -> check(converted(given), given)),
                DynamicTest.dynamicTest("GGUF of llama.cpp", () -> {
                    Assumptions.assumeTrue(Files.exists(file), "llama.cpp computes something else for " + name);
                    check(file, given);
                }));
    }

    /**
     * Tiny models that use what the folders above do not. Their weights are computed by {@link FormulaWeights}, as they were for transformers
     * 5.18, which computed the logits in float32 with {@code attn_implementation="eager"}.
     */
    @TestFactory
    final Stream<DynamicContainer> switches() throws IOException {
        String one = System.getProperty("jllm.family", "");
        try (var in = new InputStreamReader(FamilyOracles.class.getResourceAsStream("switches.json"), StandardCharsets.UTF_8)) {
            var cases = JsonParser.parseReader(in).getAsJsonArray();
            return IntStream.range(0, cases.size()).boxed().filter(i -> cases.get(i).getAsJsonObject().get("name").getAsString().startsWith(one))
                    .filter(i -> tests(cases.get(i).getAsJsonObject().getAsJsonArray("configs").get(0).getAsJsonObject()))
                    .map(i -> switches(i, cases.get(i).getAsJsonObject()));
        }
    }

    private DynamicContainer switches(int number, JsonObject c) {
        var tests = new ArrayList<DynamicTest>();
        JsonArray configs = c.getAsJsonArray("configs");
        for (int i = 0; i < configs.size(); i++) {
            Path folder = temp.resolve("switches-" + number + "-" + i);
            JsonElement config = configs.get(i);
            String style = i == 0 ? "" : " with the configuration of transformers 4";
            tests.add(DynamicTest.dynamicTest("folder" + style, () -> {
                FormulaWeights.write(Files.createDirectory(folder), c);
                Files.writeString(folder.resolve("config.json"), config.toString());
                check(folder, c.getAsJsonArray("golden"));
            }));
            tests.add(DynamicTest.dynamicTest("our GGUF" + style, () -> check(converted(folder), c.getAsJsonArray("golden"))));
        }
        return DynamicContainer.dynamicContainer(c.get("name").getAsString(), tests);
    }

    private Path relinked(Path given, Path config) throws IOException {
        Path folder = Files.createDirectory(temp.resolve(given.getFileName()));
        try (var files = Files.list(given)) {
            for (Path f : files.filter(f -> !f.getFileName().toString().startsWith("config")).toList()) {
                Files.copy(f, folder.resolve(f.getFileName())); // a link would be followed when the folder is cleaned up
            }
        }
        Files.copy(config, folder.resolve("config.json"));
        return folder;
    }

    private Path converted(Path given) throws IOException {
        Path ours = temp.resolve(given.getFileName() + ".gguf");
        Converter.convert(given, ours, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        return ours;
    }

    private void check(Path model, Path given) throws IOException {
        JsonArray golden = JsonParser.parseString(Files.readString(given.resolve("golden.json"))).getAsJsonArray();
        assertTrue(golden.size() >= 4, "cases");
        check(model, golden);
    }

    private void check(Path model, JsonArray golden) {
        try (LLM llm = open(model)) {
            for (JsonElement e : golden) {
                check(llm, e.getAsJsonObject(), model + ", ", tolerance(), margin());
            }
        }
    }

    /** That logits and greedy tokens after a prompt are those of a golden file. */
    static void check(LLM llm, JsonObject want, String what, double tolerance, double margin) {
        check(llm, want, what, tolerance, margin, SamplingParams.builder());
    }

    /** The same with some parameters set. */
    static void check(LLM llm, JsonObject want, String what, double tolerance, double margin, SamplingParamsBuilder params) {
        int[] ids = ints(want.getAsJsonArray("ids"));
        boolean greedy = want.has("greedy");
        var first = new AtomicReference<float[]>();
        LogitsProcessor keep = (tokens, prompt, length, logits) -> first.compareAndSet(null, logits.clone());
        int[] got = llm.generate(List.of(Prompt.ofTokens(ids)), params.temperature(0).ignoreEos(true)
                .maxTokens(greedy ? 24 : 1).logitsProcessor(() -> keep).build()).getFirst().tokenIds();
        double rms = want.get("rms").getAsDouble();
        for (JsonElement pair : want.getAsJsonArray("top")) {
            JsonArray idAndLogit = pair.getAsJsonArray();
            assertEquals(idAndLogit.get(1).getAsDouble(), first.get()[idAndLogit.get(0).getAsInt()], tolerance * rms,
                    what + ids.length + " tokens");
        }
        if (greedy) {
            int[] ids24 = ints(want.getAsJsonObject("greedy").getAsJsonArray("new_ids"));
            JsonArray margins = want.getAsJsonObject("greedy").getAsJsonArray("margins");
            for (int i = 0; i < ids24.length && got[i] == ids24[i] | margins.get(i).getAsDouble() >= margin; i++) {
                assertEquals(ids24[i], got[i], what + "token " + i + " after " + ids.length);
            }
        }
    }

    private static int[] ints(JsonArray array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }
}
