import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
 * <p>Where the environment has a {@code JLLM_KERNEL_CACHE}, that folder keeps what was compiled, each result under a hash of the compiler's release,
 * its arguments, the file and what it includes: fresh checkouts then compile only what is new. What nobody has used for 30 days goes.
 *
 * <p>Arguments: folder of kernels, folder of results, architectures of cubins separated by commas, architecture of PTX, folder of a CUDA that serves
 * where no other is found. Architectures that the compiler does not know are left out.
 */
final class CompileKernels {
    private static final Pattern RELEASE = Pattern.compile("release (\\d+)\\.(\\d+)");
    private static final Pattern ARCHITECTURES = Pattern.compile("// architectures:(( +(\\d+[a-z]?|ptx))+)");
    private static final Pattern INCLUDE = Pattern.compile("^ *# *include *\"([^\"]+)\"", Pattern.MULTILINE);
    private static final int FIRST_LINES = 10;
    private static final int CACHE_DAYS = 30;

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
        String version = run(compiler, "--version");
        Matcher release = RELEASE.matcher(version);
        if (!release.find()) {
            throw new IOException(compiler + " --version names no release");
        }
        List<String> known = run(compiler, "--list-gpu-arch").lines().map(String::strip).toList();
        List<String> targets = Stream.of(args[2].split(",")).map(String::strip).filter(a -> known.contains("compute_" + a.replaceAll("\\D", "")))
                .toList();
        List<Path> included = list(sources, ".cuh");
        long headers = newest(included);
        Optional<Cache> cache = Cache.open(version, sources);
        var jobs = new ArrayList<Job>();
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
                    jobs.add(new Job(results.resolve(name + ".sm_" + arch + ".cubin"), newest, cache, compiler, sources, kernel,
                            List.of("-cubin", "-gencode", "arch=compute_" + arch + ",code=sm_" + arch)));
                }
            }
            if (wanted.isEmpty() || wanted.contains("ptx")) {
                jobs.add(new Job(results.resolve(name + ".ptx"), newest, cache, compiler, sources, kernel,
                        List.of("-ptx", "-arch=compute_" + args[3])));
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

    /**
     * A result to make, unless it is newer than its sources.
     *
     * @param newest time of the newest of its sources, in milliseconds
     * @param target options that say for what devices it is
     */
    private record Job(Path out, long newest, Optional<Cache> cache, String compiler, Path sources, Path kernel, List<String> target)
            implements Callable<Void> {
        @Override
        public Void call() throws IOException, InterruptedException, NoSuchAlgorithmException {
            if (!Files.exists(out) || Files.getLastModifiedTime(out).toMillis() < newest) {
                Path part = out.resolveSibling(out.getFileName() + ".part");
                make(part);
                // The time of its sources, so that a file saved during the compilation is newer.
                Files.setLastModifiedTime(part, FileTime.fromMillis(newest));
                Files.move(part, out, StandardCopyOption.REPLACE_EXISTING);
            }
            return null;
        }

        private void make(Path part) throws IOException, InterruptedException, NoSuchAlgorithmException {
            var options = new ArrayList<>(target);
            options.addAll(List.of("-std=c++17", "-O3"));
            Optional<Path> kept = cache.isPresent() ? Optional.of(cache.get().place(options, kernel)) : Optional.empty();
            if (kept.isPresent() && Files.exists(kept.get())) {
                System.out.println("kept " + out.getFileName());
                Files.setLastModifiedTime(kept.get(), FileTime.from(Instant.now()));
                Files.copy(kept.get(), part, StandardCopyOption.REPLACE_EXISTING);
                return;
            }
            System.out.println("nvcc " + out.getFileName());
            options.add(0, compiler);
            options.addAll(List.of("-I" + sources, kernel.toString(), "-o", part.toString()));
            run(options.toArray(String[]::new));
            if (kept.isPresent()) {
                Cache.keep(part, kept.get());
            }
        }
    }

    /** Results of earlier builds: a folder, the compiler's release, and the folder from which includes are found. */
    private record Cache(Path folder, String version, Path sources) {
        static Optional<Cache> open(String version, Path sources) throws IOException {
            String folder = System.getenv().getOrDefault("JLLM_KERNEL_CACHE", "");
            if (folder.isEmpty()) {
                return Optional.empty();
            }
            var cache = new Cache(Files.createDirectories(Path.of(folder)), version, sources);
            cache.prune();
            return Optional.of(cache);
        }

        /** With its length before it, so that no two lists of parts are the same bytes. */
        private static void add(ByteArrayOutputStream bytes, byte[] part) throws IOException {
            bytes.write((part.length + ":").getBytes(StandardCharsets.UTF_8));
            bytes.write(part);
        }

        private static void add(ByteArrayOutputStream bytes, String part) throws IOException {
            add(bytes, part.getBytes(StandardCharsets.UTF_8));
        }

        /** A file and what it includes, each once. */
        private void add(ByteArrayOutputStream bytes, Path file, Set<Path> seen) throws IOException {
            if (!seen.add(file)) {
                return;
            }
            String text = Files.readString(file);
            add(bytes, sources.relativize(file).toString());
            add(bytes, text);
            for (Matcher m = INCLUDE.matcher(text); m.find();) {
                add(bytes, sources.resolve(m.group(1)), seen);
            }
        }

        private void prune() throws IOException {
            FileTime oldest = FileTime.from(Instant.now().minus(Duration.ofDays(CACHE_DAYS)));
            for (Path file : list(folder, ".kernel", ".new")) {
                if (Files.getLastModifiedTime(file).compareTo(oldest) < 0) {
                    Files.deleteIfExists(file);
                }
            }
        }

        Path place(List<String> options, Path kernel) throws IOException, NoSuchAlgorithmException {
            var bytes = new ByteArrayOutputStream();
            add(bytes, version);
            add(bytes, String.join(" ", options));
            add(bytes, kernel, new HashSet<>());
            return folder.resolve(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray())) + ".kernel");
        }

        /** Whole or not at all, whoever else builds. */
        static void keep(Path result, Path place) throws IOException {
            Path file = Files.createTempFile(place.getParent(), "", ".new");
            Files.copy(result, file, StandardCopyOption.REPLACE_EXISTING);
            Files.move(file, place, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        }
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
