package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.SamplingParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Tiny models that GPTQ, AWQ, bitsandbytes, compressed-tensors and torchao packed, against what transformers computed in float32 of the
 * values that these libraries unpack. {@code -Djllm.folder=NAME} picks one.
 */
public abstract class PackedFolders {
    /** What is refused, with a word that the reason has. */
    private static final Map<String, String> REFUSED = Map.of("gptq-6bit-g64", "bits is 6");
    /** torchao rounds whatever it unpacks to BF16. */
    private static final double ROUNDED = 2e-2;

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

    private static Path shared() {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, oracles/quant and quant-real are looked for there");
        return Path.of(root, "oracles");
    }

    private static List<Path> folders() throws IOException {
        String one = System.getProperty("jllm.folder", "");
        var found = new ArrayList<Path>();
        for (String parent : List.of("quant", "quant-real")) {
            try (var all = Files.list(shared().resolve(parent))) {
                all.filter(f -> Files.exists(f.resolve("config.json")) && !f.endsWith("_base") && !f.endsWith("base-fp16"))
                        .filter(f -> one.isEmpty() || f.endsWith(one)).forEach(found::add);
            }
        }
        found.sort(Comparator.comparing(Path::toString));
        return found;
    }

    @TestFactory
    final Stream<DynamicTest> folder() throws IOException {
        return folders().stream().filter(f -> !REFUSED.containsKey(f.getFileName().toString()))
                .map(f -> DynamicTest.dynamicTest(f.getParent().getFileName() + "/" + f.getFileName(), () -> check(f, f)));
    }

    @Test
    final void othersAreRefusedByName() {
        REFUSED.forEach((name, reason) -> {
            String said = assertThrows(ModelLoadException.class, () -> open(folder("quant-real", name)).close()).getMessage();
            assertTrue(said.contains(reason), said);
            assertTrue(said.contains("supported"), said);
        });
    }

    /** A folder of that name, below one of that name. */
    static Path folder(String parent, String name) {
        return shared().resolve(parent).resolve(name);
    }

    /**
     * That a model of LLM.int8() computes what bitsandbytes does by its rule for outliers, of which all rows of a prompt decide: so all are
     * asked for, where else the last layer computes the last one alone. {@code open} opens the folder.
     */
    public static void checkOutliers(String name, Function<Path, LLM> open, double tolerance) throws IOException {
        Path folder = folder("quant", name);
        try (LLM llm = open.apply(folder)) {
            for (JsonElement e : JsonParser.parseString(Files.readString(folder.resolve("golden_int8.json"))).getAsJsonArray()) {
                FamilyOracles.check(llm, e.getAsJsonObject(), name + ", ", tolerance, 0.2, SamplingParams.builder().promptLogprobs(1));
            }
        }
    }

    /** That a model computes what that folder says. */
    final void check(Path model, Path folder) throws IOException {
        String name = folder.getFileName().toString();
        boolean rounded = name.startsWith("ao-");
        double tolerance = Math.max(tolerance(), rounded ? ROUNDED : 0);
        double margin = Math.max(margin(), rounded ? ROUNDED : 0);
        try (LLM llm = open(model)) {
            int cases = 0;
            for (JsonElement e : JsonParser.parseString(Files.readString(folder.resolve("golden.json"))).getAsJsonArray()) {
                FamilyOracles.check(llm, e.getAsJsonObject(), model + ", ", tolerance, margin);
                cases++;
            }
            assertEquals(4, cases);
        }
    }
}
