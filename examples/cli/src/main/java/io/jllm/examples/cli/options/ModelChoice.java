package io.jllm.examples.cli.options;

import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.chat.ChatTemplate;
import io.jllm.demo.DemoModel;
import io.jllm.examples.cli.output.Console;
import io.jllm.load.ChatTemplates;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Option;

/** Which model to run, and on what; but for the number of threads, which commands count in different ways. */
public abstract class ModelChoice extends ComputeOptions {
    @Option(names = "--model", paramLabel = "FILE|DIR|NAME",
            description = "A GGUF file, a Hugging Face folder, or a name of a hub, as 'llm pull --help' says (default: the demo model).")
    private Optional<ModelName> model = Optional.empty();
    private Optional<Path> path = Optional.empty();

    /** Everything that was chosen, ready to open. */
    protected abstract LlmBuilder builder();

    /** The model's file or folder, which exists. */
    Path path() {
        if (path.isEmpty()) { // once: to look for a name takes a request
            path = Optional.of(model.orElseGet(() -> ModelName.of(DemoModel.path())).path("there is no model "));
        }
        return path.get();
    }

    /** Everything that was chosen here, ready to open. */
    protected final LlmBuilder chosen() {
        return chosen(path());
    }

    /** The tokenizer of the model, whose weights are not loaded and need not be there. */
    public Tokenizer tokenizer() throws IOException {
        Path path = path();
        if (Files.isDirectory(path)) {
            return HuggingFaceTokenizers.fromFolder(path);
        }
        try (GgufFile file = GgufFile.open(path)) {
            return GgufTokenizers.fromGguf(file.metadata());
        }
    }

    /** The chat templates of the model, which is not loaded. */
    public ChatTemplate chatTemplate() {
        return ChatTemplates.from(path());
    }

    /** Loads the model. */
    public LLM open(Console console) {
        return open(builder(), console);
    }

    /** Loads a model, says so while it lasts, and then what runs it. */
    public static LLM open(LlmBuilder builder, Console console) {
        LLM llm;
        ProgressBar bar = console.progress("loading", -1);
        try {
            llm = builder.open();
            bar.step();
        } finally {
            Console.end(bar);
        }
        console.say(llm.describe());
        return llm;
    }
}
