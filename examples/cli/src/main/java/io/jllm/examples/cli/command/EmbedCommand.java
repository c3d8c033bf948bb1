package io.jllm.examples.cli.command;

import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.LLM;
import io.jllm.embedding.Pooling;
import io.jllm.Prompt;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.TextLines;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes vectors of texts. */
@Command(name = "embed", description = "Makes a vector of length 1 of each line: a line of JSON each.")
public final class EmbedCommand implements Action {
    @Mixin
    private ModelOptions model;

    @Mixin
    private TextLines lines;

    @Option(names = "--pooling", paramLabel = "last|mean|cls",
            description = "The state of the last token, the mean of all, or that of the first (default: as the model's files say, else last).")
    private Optional<Pooling> pooling = Optional.empty();

    private final Console console;

    public EmbedCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        List<String> texts = lines.texts();
        EmbeddingParams params = pooling.map(EmbeddingParams.defaults()::withPooling).orElse(EmbeddingParams.defaults());
        try (LLM llm = model.open(console)) {
            List<EmbeddingOutput> outputs = llm.embed(texts.stream().map(Prompt::of).toList(), params);
            for (int i = 0; i < outputs.size(); i++) {
                if (outputs.get(i).error().isPresent()) {
                    throw new BadInput("line " + (i + 1) + ": " + outputs.get(i).error().get().getMessage());
                }
            }
            outputs.forEach(o -> console.out().println(Json.line(Json.array(o.embedding()))));
        }
    }
}
