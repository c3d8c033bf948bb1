package io.jllm.examples.cli.options;

import io.jllm.LlmBuilder;
import io.jllm.demo.DemoModel;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.hub.HubName;
import io.jllm.server.LlmServerBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/** Which models to serve, by which names, and on what. */
public final class ServedModels extends ComputeOptions {
    @Option(names = "--model", paramLabel = "[NAME=]FILE|DIR|HUBNAME", description = "A GGUF file, a Hugging Face folder or a name of a hub, and the name to ask"
            + " for it by (default: the demo model; the name of the file without its ending, or of the repository). May be given several times: the first is loaded at the start, and meant where"
            + " a request names none; others are loaded when they are first asked for.")
    private List<String> models = new ArrayList<>();

    @Option(names = {"--adapter", "--lora-modules"}, paramLabel = "[MODEL:]NAME=DIR|FILE", description = "An adapter (LoRA) and the name to ask for it by as"
            + " a model: a folder as peft writes it, or a GGUF file. Where several models are served, MODEL says for which. May be given several times.")
    private List<String> adapters = new ArrayList<>();

    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute (default: one for each core).")
    private Optional<Integer> threads = Optional.empty();

    /** The models by their names, ready to open, in the order in which they were given; those of hubs are fetched. */
    public Map<String, LlmBuilder> builders(Console console) {
        var builders = new LinkedHashMap<String, LlmBuilder>();
        if (models.isEmpty()) {
            add(builders, DemoModel.NAME, DemoModel.path());
        }
        for (String typed : models) {
            int equals = typed.indexOf('=');
            boolean named = equals > 0 && !HubName.isName(typed) && !Files.exists(Path.of(typed));
            String place = named ? typed.substring(equals + 1) : typed;
            Optional<HubName> hub = HubName.isName(place) ? Optional.of(HubName.parse(place)) : Optional.empty();
            Path path = hub.map(h -> ModelName.fetched(h, console)).orElseGet(() -> Path.of(place));
            add(builders, named ? typed.substring(0, equals) : hub.map(HubName::id).orElseGet(() -> nameOf(path)), path);
        }
        return builders;
    }

    /** Adds the adapters to a server of those models. */
    public void addAdapters(Set<String> served, LlmServerBuilder server) {
        for (String typed : adapters) {
            int equals = typed.indexOf('=');
            if (equals <= 0) {
                throw new BadInput("--adapter must be [MODEL:]NAME=DIR|FILE, was " + typed);
            }
            String name = typed.substring(0, equals);
            Optional<String> model = served.stream().filter(m -> name.startsWith(m + ":")).max(Comparator.comparingInt(String::length));
            if (model.isEmpty() && (served.size() > 1 || name.contains(":"))) {
                throw new BadInput("--adapter " + typed + ": say for which model as MODEL:NAME=DIR|FILE; served are " + String.join(", ", served));
            }
            Path path = Path.of(typed.substring(equals + 1));
            ModelName.checkPlain(path, "there is no adapter ");
            server.adapter(model.orElseGet(() -> served.iterator().next()), model.map(m -> name.substring(m.length() + 1)).orElse(name), path);
        }
    }

    static String nameOf(Path path) {
        return path.toAbsolutePath().normalize().getFileName().toString().replaceFirst("\\.gguf$", "");
    }

    private void add(Map<String, LlmBuilder> builders, String name, Path path) {
        ModelName.checkPlain(path, "there is no model ");
        LlmBuilder builder = chosen(path);
        threads.ifPresent(builder::threads);
        if (builders.put(name, builder) != null) {
            throw new BadInput("two models have the name " + name + ": name one of them by --model NAME=" + path);
        }
    }
}
