import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A step of the build, run as a source file by whatever Java of version 17 or later is there: compiles every kernel file of a folder and those in it
 * with nvcc, for each architecture into a cubin, and once into PTX that later devices compile for themselves. Results lie side by side under the
 * names of their files, which must differ; includes are found from the folder on. What is newer than its sources stays. Where nvcc is absent the
 * index that it writes says so, and the build goes on.
 *
 * <p>A file for some devices only says so in its first lines: {@code // architectures: 90a 100 ptx} lists those for which it is compiled; a letter
 * behind a number is part of it. The index tells them as {@code only.NAME}.
 *
 * <p>Arguments: folder of kernels, folder of results, architectures of cubins separated by commas, architecture of PTX, folder of a CUDA that serves
 * where no other is found. Architectures that the compiler does not know are left out.
 */
final class CompileKernels {
    private static final Pattern RELEASE = Pattern.compile("release (\\d+)\\.(\\d+)");
    private static final Pattern ARCHITECTURES = Pattern.compile("// architectures:(( +(\\d+[a-z]?|ptx))+)");
    private static final int FIRST_LINES = 10;

    private CompileKernels() {
    }

    public static void main(String[] args) throws Exception {
        Path sources = Path.of(args[0]);
        Path results = Path.of(args[1]);
        Files.createDirectories(results);
        List<Path> kernels = list(sources, ".cu");
        Optional<Path> nvcc = nvcc(Path.of(args[4]));
        if (nvcc.isEmpty() || kernels.isEmpty()) {
            String why = "this build of llm-cuda has no kernels: when it was built, nvcc was not found in CUDA_HOME, in CUDA_PATH, on the PATH, or "
                    + "where llm-cuda/gpu/toolkit puts it";
            write(results.resolve("index.properties"), "missing=" + why + "\n");
            System.out.println(why);
            return;
        }
        String compiler = nvcc.get().toString();
        Matcher release = RELEASE.matcher(run(compiler, "--version"));
        if (!release.find()) {
            throw new IOException(compiler + " --version names no release");
        }
        List<String> known = run(compiler, "--list-gpu-arch").lines().map(String::strip).toList();
        List<String> targets = Stream.of(args[2].split(",")).map(String::strip).filter(a -> known.contains("compute_" + a.replaceAll("\\D", "")))
                .toList();
        long headers = newest(list(sources, ".cuh"));
        var jobs = new ArrayList<Callable<Void>>();
        var names = new ArrayList<String>();
        var only = new StringBuilder();
        for (Path kernel : kernels) {
            String name = kernel.getFileName().toString().replace(".cu", "");
            if (names.contains(name)) {
                throw new IOException("two files of kernels are named " + name + ".cu: rename one");
            }
            names.add(name);
            List<String> wanted = architectures(kernel);
            if (!wanted.isEmpty()) {
                only.append("only.").append(name).append('=').append(String.join(",", wanted)).append('\n');
            }
            long newest = Math.max(headers, newest(List.of(kernel)));
            for (String arch : targets) {
                if (wanted.isEmpty() || wanted.contains(arch)) {
                    jobs.add(job(results.resolve(name + ".sm_" + arch + ".cubin"), newest, compiler, "-cubin", "-gencode",
                            "arch=compute_" + arch + ",code=sm_" + arch, "-I" + sources, kernel.toString()));
                }
            }
            if (wanted.isEmpty() || wanted.contains("ptx")) {
                jobs.add(job(results.resolve(name + ".ptx"), newest, compiler, "-ptx", "-arch=compute_" + args[3], "-I" + sources,
                        kernel.toString()));
            }
        }
        ExecutorService pool = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        try {
            for (Future<Void> f : pool.invokeAll(jobs)) {
                f.get();
            }
        } finally {
            pool.shutdownNow();
        }
        write(results.resolve("index.properties"), "release=" + release.group(1) + "." + release.group(2) + "\nfiles="
                + String.join(",", names) + "\ncubins=" + String.join(",", targets) + "\nptx=" + args[3] + "\n" + only);
    }

    /** What a file says that it is for; empty if it is for all. */
    private static List<String> architectures(Path kernel) throws IOException {
        try (Stream<String> lines = Files.lines(kernel)) {
            return lines.limit(FIRST_LINES).map(ARCHITECTURES::matcher).filter(Matcher::matches).findFirst()
                    .map(m -> List.of(m.group(1).strip().split(" +"))).orElse(List.of());
        }
    }

    private static Callable<Void> job(Path out, long newest, String... command) {
        return () -> {
            if (!Files.exists(out) || Files.getLastModifiedTime(out).toMillis() < newest) {
                Path part = out.resolveSibling(out.getFileName() + ".part");
                var all = new ArrayList<>(List.of(command));
                all.addAll(List.of("-std=c++17", "-O3", "-o", part.toString()));
                System.out.println("nvcc " + out.getFileName());
                run(all.toArray(String[]::new));
                // The time of its sources, so that a file saved during the compilation is newer.
                Files.setLastModifiedTime(part, FileTime.fromMillis(newest));
                Files.move(part, out, StandardCopyOption.REPLACE_EXISTING);
            }
            return null;
        };
    }

    private static Optional<Path> nvcc(Path lastResort) {
        var folders = new ArrayList<String>();
        for (String home : new String[] {"CUDA_HOME", "CUDA_PATH"}) {
            if (System.getenv(home) != null) {
                folders.add(System.getenv(home) + File.separator + "bin");
            }
        }
        folders.addAll(List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)));
        folders.add(lastResort + File.separator + "bin");
        return folders.stream().flatMap(f -> Stream.of(Path.of(f, "nvcc"), Path.of(f, "nvcc.exe"))).filter(Files::isExecutable).findFirst();
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(p.getInputStream().readAllBytes());
        if (p.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed:\n" + out);
        }
        return out;
    }

    private static List<Path> list(Path folder, String... endings) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(f -> Stream.of(endings).anyMatch(f.toString()::endsWith))
                    .sorted(Comparator.comparing(f -> f.getFileName().toString())).toList();
        }
    }

    private static long newest(List<Path> files) throws IOException {
        long newest = 0;
        for (Path f : files) {
            newest = Math.max(newest, Files.getLastModifiedTime(f).toMillis());
        }
        return newest;
    }

    private static void write(Path file, String text) throws IOException {
        if (!Files.exists(file) || !Files.readString(file).equals(text)) {
            Files.writeString(file, text);
        }
    }
}
