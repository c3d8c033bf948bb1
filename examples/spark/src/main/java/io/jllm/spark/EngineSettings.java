package io.jllm.spark;

import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.hub.Hub;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How each executor opens its engine: the settings {@code spark.jllm.*} of an application. Those that are not set are as {@link LlmBuilder} has
 * them.
 *
 * @param values the settings by name, without the prefix
 */
record EngineSettings(Map<String, String> values) {
    /** What the names of all begin with. */
    static final String PREFIX = "spark.jllm.";
    /** A file or folder on every machine, or a name as {@link Hub} takes it, such as {@code hf:owner/name}. */
    static final String MODEL = "model";

    private static final String GPU_RESOURCE = "gpuResource";
    private static final String BACKEND = "backend";
    private static final String THREADS = "threads";
    private static final String DEVICE = "device";
    private static final List<String> NAMES = List.of(MODEL, BACKEND, THREADS, DEVICE, GPU_RESOURCE, "maxSequences", "maxContext",
            "maxTokensPerStep", "maxQueuedRequests", "kvCache", "gpuMemoryFraction", "prefixCache");

    /**
     * @throws IllegalArgumentException if a name is unknown, or there is no model
     */
    EngineSettings {
        values = Map.copyOf(values);
        for (String name : values.keySet()) {
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("there is no setting " + PREFIX + name + "; there are " + PREFIX + "{"
                        + String.join(", ", NAMES) + "}");
            }
        }
        if (!values.containsKey(MODEL)) {
            throw new IllegalArgumentException("no model is named: set " + PREFIX + MODEL + " to a file that is on every machine, or to a name such "
                    + "as hf:owner/name");
        }
    }

    /** Those of an application. */
    static EngineSettings of(Iterable<Map.Entry<String, String>> conf) {
        var values = new TreeMap<String, String>();
        for (Map.Entry<String, String> e : conf) {
            if (e.getKey().startsWith(PREFIX)) {
                values.put(e.getKey().substring(PREFIX.length()), e.getValue());
            }
        }
        return new EngineSettings(values);
    }

    /** The model by its name. */
    String model() {
        return values.get(MODEL);
    }

    /** Spark's name for the resource that GPUs are. */
    String gpuResource() {
        return values.getOrDefault(GPU_RESOURCE, "gpu");
    }

    /**
     * Loads the model, which may have to be fetched first.
     *
     * @param gpus addresses of the GPUs that Spark gave to this executor; none on a CPU
     * @param cores of this executor, if it is known
     * @throws IllegalArgumentException if a setting is wrong, or Spark gave what one engine cannot use
     */
    LLM open(List<String> gpus, Optional<Integer> cores) {
        Path file = Path.of(model());
        LlmBuilder b = LLM.load(Files.exists(file) ? file : Hub.get(model()));
        gpu(gpus).ifPresent(device -> b.backend("cuda").device(device));
        text(BACKEND).ifPresent(b::backend);
        integer(DEVICE).ifPresent(b::device);
        integer(THREADS).or(() -> cores).ifPresent(b::threads);
        integer("maxSequences").ifPresent(b::maxSequences);
        integer("maxContext").ifPresent(b::maxContext);
        integer("maxTokensPerStep").ifPresent(b::maxTokensPerStep);
        integer("maxQueuedRequests").ifPresent(b::maxQueuedRequests);
        text("kvCache").map(v -> whole("kvCache", v)).ifPresent(b::kvCache);
        text("gpuMemoryFraction").map(EngineSettings::fraction).ifPresent(b::gpuMemoryFraction);
        text("prefixCache").map(EngineSettings::flag).ifPresent(b::prefixCache);
        return b.open();
    }

    private Optional<Integer> gpu(List<String> gpus) {
        if (gpus.isEmpty()) {
            return Optional.empty();
        }
        if (gpus.size() > 1) {
            throw new IllegalArgumentException("Spark gave the executor " + gpus.size() + " GPUs, " + gpus + ", and an engine computes on one: set "
                    + "spark.executor.resource." + gpuResource() + ".amount=1, and run an executor for each GPU");
        }
        if (!gpus.getFirst().matches("\\d{1,4}")) {
            throw new IllegalArgumentException("the address of the executor's GPU is " + gpus.getFirst() + ", and must be the index of a device, as "
                    + "Spark's getGpusResources.sh gives it: change spark.executor.resource." + gpuResource() + ".discoveryScript, or set " + PREFIX
                    + GPU_RESOURCE + " to another resource");
        }
        return Optional.of(Integer.valueOf(gpus.getFirst()));
    }

    private Optional<String> text(String name) {
        return Optional.ofNullable(values.get(name));
    }

    private Optional<Integer> integer(String name) {
        return text(name).map(v -> {
            long value = whole(name, v);
            if (value != (int) value) {
                throw wrong(name, v, "a whole number of at most " + Integer.MAX_VALUE);
            }
            return (int) value;
        });
    }

    private static long whole(String name, String value) {
        try {
            return Long.parseLong(value.strip());
        } catch (NumberFormatException _) {
            throw wrong(name, value, "a whole number");
        }
    }

    private static double fraction(String value) {
        try {
            return Double.parseDouble(value.strip());
        } catch (NumberFormatException _) {
            throw wrong("gpuMemoryFraction", value, "a number");
        }
    }

    private static boolean flag(String value) {
        return switch (value.strip()) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong("prefixCache", value, "true or false");
        };
    }

    private static IllegalArgumentException wrong(String name, String value, String what) {
        return new IllegalArgumentException(PREFIX + name + " is " + value + "; it must be " + what);
    }
}
