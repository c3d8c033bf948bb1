package io.jllm.examples.cli.command;

import io.jllm.convert.Converter;
import io.jllm.examples.cli.options.ModelChoice;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a model as a GGUF file. */
@Command(name = "quantize", description = "Writes a model as a GGUF file, its matrices in the format of --type.")
public final class QuantizeCommand implements Action {
    private static final long MIB = 1 << 20;

    @Parameters(index = "0", paramLabel = "DIR|IN.gguf", description = "The model: a Hugging Face folder or a GGUF file.")
    private Path model;

    @Parameters(index = "1", paramLabel = "OUT.gguf", description = "The file to write; it appears when it is whole.")
    private Path out;

    @Option(names = "--type", required = true, paramLabel = "TYPE", description = "F16, Q8_0, Q6_K, Q5_1, Q5_0, Q4_1, Q4_0, Q3_K, Q2_K "
            + "or MXFP4 (of experts, the rest in Q8_0); also F32 and BF16.")
    private String type;

    @Option(names = "--pure",
            description = "All matrices in that format; without it, formats below Q6_K keep the output in Q6_K (token embeddings too, where "
                    + "they are the output), and Q2_K some matrices in Q3_K.")
    private boolean pure;

    private final Console console;

    public QuantizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException {
        Converter.Options options = Converter.Options.of(type()).pure(pure);
        ModelChoice.checkPlain(model, "there is no model ");
        if (Files.exists(out) && !Files.isDirectory(out) && !Files.isRegularFile(out)) {
            throw new BadInput("cannot write " + out + ": it is no plain file, and would be replaced by one"); // such as /dev/null
        }
        Path folder = out.toAbsolutePath().getParent();
        if (Files.isDirectory(out) || folder == null || !Files.isDirectory(folder)) {
            throw new BadInput("cannot write " + out + ": "
                    + (Files.isDirectory(out) ? "it is a folder" : "its folder does not exist"));
        }
        try (ProgressBar bar = console.progress("MiB", 0)) {
            Converter.convert(model, out, options, new Converter.Progress() {
                @Override
                public void written(String tensor, long bytesDone, long bytesTotal) {
                    bar.maxHint(bytesTotal / MIB).stepTo(bytesDone / MIB);
                }

                @Override
                public void note(String message) {
                    console.say(message);
                }
            });
        }
    }

    private DType type() {
        List<DType> types = Converter.types();
        return types.stream().filter(t -> t.name().equals(type.toUpperCase(Locale.ROOT))).findFirst()
                .orElseThrow(() -> new BadInput("--type must be one of "
                        + types.stream().map(DType::name).collect(Collectors.joining(", ")) + ", was " + type));
    }
}
