package io.jllm.examples.cli.command;

import io.jllm.convert.Converter;
import io.jllm.convert.FileType;
import io.jllm.convert.ImportanceMatrix;
import io.jllm.convert.TensorType;
import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
    private ModelName model;

    @Parameters(index = "1", paramLabel = "OUT.gguf", description = "The file to write; it appears when it is whole.")
    private Path out;

    @Option(names = "--type", required = true, paramLabel = "TYPE", description = "F32, F16, BF16, Q8_0, Q6_K, Q5_K_M, Q5_K_S, Q5_1, Q5_0, Q4_K_M, "
            + "Q4_K_S, Q4_1, Q4_0, IQ4_NL, IQ4_XS, MXFP4_MOE, Q3_K_L, Q3_K_M, Q3_K_S, Q2_K, Q2_K_S, TQ2_0 or TQ1_0, as llama-quantize has them.")
    private String type;

    @Option(names = "--pure", description = "All matrices in that format; without it, some get more bits, by llama-quantize's rules: the output "
            + "(token embeddings, where they are the output), and what suffers most.")
    private boolean pure;

    @Option(names = "--imatrix", paramLabel = "FILE", description = "Importances of columns, as llama-imatrix writes them (GGUF or .dat).")
    private Path imatrix;

    @Option(names = "--tensor-type", paramLabel = "REGEX=TYPE", description = "Another format for tensors in whose names REGEX is found, such as "
            + "ffn_down=Q6_K; may be given several times, and the first that fits counts.")
    private List<String> tensorTypes = List.of();

    @Option(names = "--threads", paramLabel = "N", description = "Threads that quantise; all processors by default.")
    private Integer threads;

    private final Console console;

    public QuantizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException {
        Converter.Options options = options();
        Path path = model.path("there is no model ");
        checkTarget(out);
        try (ProgressBar bar = console.progress("MiB", 0)) {
            Converter.convert(path, out, options, new Converter.Progress() {
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

    /** Refuses what cannot be written, before anything is computed. */
    static void checkTarget(Path out) {
        if (Files.exists(out) && !Files.isDirectory(out) && !Files.isRegularFile(out)) {
            throw new BadInput("cannot write " + out + ": it is no plain file, and would be replaced by one"); // such as /dev/null
        }
        Path folder = out.toAbsolutePath().getParent();
        if (Files.isDirectory(out) || folder == null || !Files.isDirectory(folder)) {
            throw new BadInput("cannot write " + out + ": "
                    + (Files.isDirectory(out) ? "it is a folder" : "its folder does not exist"));
        }
    }

    private Converter.Options options() {
        var options = Converter.Options.of(type()).pure(pure).tensorTypes(tensorTypes.stream().map(TensorType::parse).toList());
        options = threads == null ? options : options.threads(threads);
        return imatrix == null ? options : options.importance(ImportanceMatrix.read(imatrix));
    }

    private FileType type() {
        return FileType.named(type).orElseThrow(() -> new BadInput("--type must be one of " + FileType.all().stream().map(FileType::name)
                .collect(Collectors.joining(", ")) + ", was " + type));
    }
}
