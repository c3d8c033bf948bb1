package io.jllm.examples.cli.command;

import io.jllm.convert.ImportanceMeter;
import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.Console;
import io.jllm.spi.Backend;
import java.nio.file.Path;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures how much the columns of a model's matrices count. */
@Command(name = "imatrix", description = {"Measures on a text how much the columns of a model's matrices count, as llama-imatrix does, for",
    "quantize --imatrix. Runs on the CPU; give the model in F16 or F32."})
public final class ImatrixCommand implements Action {
    @Parameters(index = "0", paramLabel = "DIR|IN.gguf", description = "The model: a Hugging Face folder or a GGUF file.")
    private ModelName model;

    @Parameters(index = "1", paramLabel = "OUT.gguf", description = "The file to write; it appears when it is whole.")
    private Path out;

    @Option(names = "--text", paramLabel = "F", required = true, description = "The text.")
    private Path text;

    @Option(names = "--context", paramLabel = "N", description = "Tokens of a chunk (default: ${DEFAULT-VALUE}).")
    private int context = 512;

    @Option(names = "--chunks", paramLabel = "N", description = "Chunks at most, from the start of the text (default: all).")
    private int chunks;

    @Option(names = "--process-output", description = "Measure the output matrix too.")
    private boolean output;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute (default: one for each core).")
    private int threads;

    @Option(names = "--kernels", paramLabel = "NAME", description = "auto, avx512, avx2, vector or scalar (default: ${DEFAULT-VALUE}).")
    private String kernels = "auto";

    private final Console console;

    public ImatrixCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        Path path = model.path("there is no model ");
        QuantizeCommand.checkTarget(out);
        String content = Texts.read(text);
        var options = new ImportanceMeter.Options(context, chunks, output, text.toString());
        try (Backend backend = CpuBackends.open(threads, kernels); ProgressBar bar = console.progress("chunks", 0)) {
            console.say(backend.describe());
            ImportanceMeter.measure(path, content, backend, out, options, (done, total) -> bar.maxHint(total).stepTo(done));
        }
    }
}
