package io.jllm.examples.cli.options;

import io.jllm.LlmBuilder;
import io.jllm.demo.DemoModel;
import io.jllm.examples.cli.output.BadInput;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which models to serve, by which names, and on what. */
public final class ServedModels extends ComputeOptions {
    @Option(names = "--model", paramLabel = "[NAME=]FILE|DIR", description = "A GGUF file or a Hugging Face folder, and the name to ask for it by (default:"
            + " the demo model; the name of the file without its ending). May be given several times: the first is loaded at the start, and meant where"
            + " a request names none; others are loaded when they are first asked for.")
    private List<String> models = new ArrayList<>();

    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute (default: one for each core).")
    private Optional<Integer> threads = Optional.empty();

    /** The models by their names, ready to open, in the order in which they were given. */
    public Map<String, LlmBuilder> builders() {
        var builders = new LinkedHashMap<String, LlmBuilder>();
        if (models.isEmpty()) {
            add(builders, Optional.empty(), DemoModel.path());
        }
        for (String typed : models) {
            int equals = typed.indexOf('=');
            boolean named = equals > 0 && !Files.exists(Path.of(typed));
            add(builders, named ? Optional.of(typed.substring(0, equals)) : Optional.empty(), Path.of(named ? typed.substring(equals + 1) : typed));
        }
        return builders;
    }

    private void add(Map<String, LlmBuilder> builders, Optional<String> name, Path path) {
        checkPlain(path, "there is no model ");
        LlmBuilder builder = chosen(path);
        threads.ifPresent(builder::threads);
        String called = name.orElseGet(() -> path.toAbsolutePath().normalize().getFileName().toString().replaceFirst("\\.gguf$", ""));
        if (builders.put(called, builder) != null) {
            throw new BadInput("two models have the name " + called + ": name one of them by --model NAME=" + path);
        }
    }
}
