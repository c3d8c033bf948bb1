package io.jllm.examples.cli.command;

import io.jllm.examples.cli.inspect.Inspection;
import io.jllm.examples.cli.inspect.InspectionText;
import io.jllm.examples.cli.inspect.Inspector;
import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what is in a model's files. */
@Command(name = "inspect", description = "Shows metadata, tensors, the memory needed, and whether it can be loaded.")
public final class InspectCommand implements Action {
    @Parameters(paramLabel = "FILE|DIR", description = "A GGUF file, of a model or not, or a Hugging Face folder.")
    private ModelName model;

    @Option(names = "--json", description = "Print one line of JSON, nothing left out.")
    private boolean json;

    private final Console console;

    public InspectCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException {
        Path path = model.path("there is no file or folder ");
        Inspection inspection = Files.isDirectory(path) ? Inspector.folder(path) : Inspector.gguf(path);
        if (json) {
            console.out().println(Json.line(inspection.json()));
        } else {
            console.out().print(InspectionText.of(inspection));
        }
    }
}
