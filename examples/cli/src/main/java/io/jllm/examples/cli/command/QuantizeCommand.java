package io.jllm.examples.cli.command;

import io.jllm.convert.Converter;
import io.jllm.convert.FileType;
import io.jllm.convert.ImportanceMatrix;
import io.jllm.convert.TensorType;
import io.jllm.convert.packed.FolderQuantizer;
import io.jllm.convert.packed.PackMethod;
import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.options.PackOptions;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.spi.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a model as a GGUF file, or as a folder of GPTQ or AWQ. */
@Command(name = "quantize", description = {"Writes a model as a GGUF file, its matrices in the format of --type; or, by --method, as a folder",
    "of GPTQ or AWQ. What was broken off goes on where it was when the same is asked for again."})
public final class QuantizeCommand implements Action {
    private static final long MIB = 1 << 20;
    private static final long STEPS = 1000;
    private static final int MAX_THREADS = 256;

    @Parameters(index = "0", paramLabel = "DIR|IN.gguf", description = "The model: a Hugging Face folder or a GGUF file.")
    private ModelName model;

    @Parameters(index = "1", paramLabel = "OUT.gguf|OUT", description = "The file, or folder, to write; it appears when it is whole.")
    private Path out;

    @Option(names = "--type", paramLabel = "TYPE", description = "F32, F16, BF16, Q8_0, Q6_K, Q5_K_M, Q5_K_S, Q5_1, Q5_0, Q4_K_M, "
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

    @Option(names = "--kernels", paramLabel = "NAME", description = "With --method: auto, avx512, avx2, vector or scalar (default: auto).")
    private String kernels;

    @Mixin
    private PackOptions packed;

    private final Console console;

    public QuantizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException {
        if (packed.isAsked()) {
            writeFolder();
        } else {
            writeFile();
        }
    }

    private void writeFolder() throws IOException {
        if (type != null || pure || imatrix != null || !tensorTypes.isEmpty()) {
            throw new BadInput("--method writes a folder of GPTQ or AWQ: --type, --pure, --imatrix and --tensor-type are for GGUF files");
        }
        PackMethod method = packed.method();
        FolderQuantizer.Text text = packed.text();
        Path path = model.path("there is no model ");
        int count = threads == null ? Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()) : threads;
        try (Backend backend = CpuBackends.open(count, kernels == null ? "auto" : kernels); ProgressBar bar = console.progress("quantising", STEPS)) {
            FolderQuantizer.quantize(path, out, method, text, backend, count, new FolderQuantizer.Progress() {
                @Override
                public void at(double share) {
                    bar.stepTo(Math.round(share * STEPS));
                }

                @Override
                public void note(String message) {
                    console.say(message);
                }
            });
        }
    }

    private void writeFile() throws IOException {
        packed.refuseWithoutMethod();
        if (kernels != null) {
            throw new BadInput("--kernels goes with --method");
        }
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
        if (type == null) {
            throw new BadInput("--type is missing: for a GGUF file one of " + names() + "; or --method, for a folder of GPTQ or AWQ");
        }
        return FileType.named(type).orElseThrow(() -> new BadInput("--type must be one of " + names() + ", was " + type));
    }

    private static String names() {
        return FileType.all().stream().map(FileType::name).collect(Collectors.joining(", "));
    }
}
