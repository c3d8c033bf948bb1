package io.jllm.load.fuzz;

import io.jllm.ModelLoadException;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.quant.Assembled;
import io.jllm.quant.FormatException;
import io.jllm.quant.Grouped;
import io.jllm.quant.Weights;
import io.jllm.spi.ReferenceBackend;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Pattern;

/**
 * Loads damaged models, and tells of each that neither worked nor was refused as it should be.
 *
 * <p>{@code java -Xmx64m -cp ... io.jllm.load.fuzz.Fuzz SEEDS FIRST COUNT THREADS}: SEEDS is a folder of sound models, a folder each, which is
 * filled if it is empty. Round number n damages one file of one of them, always in the same way: {@code SEEDS n 1 1} does it again.
 */
public final class Fuzz {
    private static final long SLOW_MILLIS = 5_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final int SHOWN = 5;
    private static final long PROGRESS = 50_000;
    private static final String TEXT = "Once upon a time, caf\u00e9 \ud83d\ude00 <|x|> 123";
    private static final int MAX_VALUES = 1 << 16;
    private static final Pattern INTEGERS = Pattern.compile("I\\d+");
    private static final Logger LOG = Logger.getLogger("io.jllm");

    private final List<Model> models;
    private final Path work;
    private final AtomicInteger faults = new AtomicInteger();
    private final LongAdder loaded = new LongAdder();

    /** A sound model. */
    private record Model(String name, List<Sound> files) {
    }

    /** A file of it. */
    private record Sound(String name, byte[] bytes, int[] fields) {
    }

    private Fuzz(List<Model> models, Path work) {
        this.models = models;
        this.work = work;
    }

    /** See the class; the last line says how many rounds there were, and the exit status whether all were well. */
    public static void main(String[] args) throws Exception {
        Path seeds = Path.of(args[0]);
        if (Seeds.models(seeds).isEmpty()) {
            Seeds.write(seeds);
        }
        // what the library warns of is not the matter here
        LOG.setLevel(Level.OFF);
        var models = new ArrayList<Model>();
        for (Path folder : Seeds.models(seeds)) {
            models.add(read(folder));
        }
        Path work = Files.createTempDirectory(seeds, ".work");
        boolean well = new Fuzz(models, work).run(Long.parseLong(args[1]), Long.parseLong(args[2]), Integer.parseInt(args[3]));
        System.exit(well ? 0 : 1);
    }

    private static Model read(Path folder) throws IOException {
        var files = new ArrayList<Sound>();
        try (var list = Files.list(folder)) {
            for (Path file : list.sorted().toList()) {
                String name = file.getFileName().toString();
                byte[] bytes = Files.readAllBytes(file);
                files.add(new Sound(name, bytes, Fields.of(name, bytes)));
            }
        }
        return new Model(folder.getFileName().toString(), files);
    }

    private boolean run(long first, long count, int threads) throws Exception {
        var next = new AtomicLong(first);
        long start = System.nanoTime();
        var workers = new ArrayList<Thread>();
        for (int t = 0; t < threads; t++) {
            Path own = work.resolve("t" + t);
            for (Model m : models) {
                Path folder = Files.createDirectories(own.resolve(m.name));
                for (Sound s : m.files) {
                    Files.write(folder.resolve(s.name), s.bytes);
                }
            }
            workers.add(Thread.ofPlatform().start(() -> {
                for (long n = next.getAndIncrement(); n < first + count && faults.get() < SHOWN; n = next.getAndIncrement()) {
                    round(n, own);
                    if ((n + 1) % PROGRESS == 0) {
                        System.out.println("up to " + n + ": " + loaded + " loaded, " + faults + " faults");
                    }
                }
            }));
        }
        for (Thread w : workers) {
            w.join();
        }
        System.out.println(count + " rounds from " + first + " in " + (System.nanoTime() - start) / 1_000_000 + " ms: " + loaded + " loaded, "
                + faults + " faults");
        return faults.get() == 0;
    }

    private void round(long n, Path own) {
        var random = new SplittableRandom(n * 0x9E3779B97F4A7C15L + 1);
        Model model = models.get(random.nextInt(models.size()));
        Sound sound = model.files.get(random.nextInt(model.files.size()));
        Path folder = own.resolve(model.name);
        Path file = folder.resolve(sound.name);
        long start = THREADS.getCurrentThreadCpuTime();
        try {
            // a new file each time: that of the round before may still be mapped
            Files.delete(file);
            Files.write(file, new Mutator(random).mutate(sound.name, sound.bytes, sound.fields));
            load(sound.name.endsWith(".gguf") ? file : folder);
            loaded.increment();
        } catch (ModelLoadException | FormatException e) {
            judge(n, model, sound, e);
        } catch (Throwable e) {
            fault(n, model, sound, e);
        }
        long millis = (THREADS.getCurrentThreadCpuTime() - start) / 1_000_000;
        if (millis > SLOW_MILLIS) {
            fault(n, model, sound, new IllegalStateException("took " + millis + " ms of a processor"));
        }
        try {
            Files.deleteIfExists(file);
            Files.write(file, sound.bytes);
        } catch (IOException e) {
            fault(n, model, sound, e);
        }
    }

    /** What is refused must be so for what it says, not for what reading it took. */
    private void judge(long n, Model model, Sound sound, RuntimeException e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof Error || t instanceof NullPointerException || t instanceof IndexOutOfBoundsException
                    || t instanceof ClassCastException) {
                fault(n, model, sound, e);
                return;
            }
        }
        if (e.getMessage() == null || e.getMessage().lines().count() != 1) {
            fault(n, model, sound, e);
        }
    }

    private void fault(long n, Model model, Sound sound, Throwable e) {
        faults.incrementAndGet();
        var trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        System.out.println("round " + n + ", " + model.name + "/" + sound.name + ": " + String.join("\n", trace.toString().lines().limit(40).toList()));
    }

    /** Opens a model, makes its tokenizer and uses it, and reads some values of each tensor. */
    private static void load(Path path) {
        try (LoadedModel model = ModelFiles.open(path)) {
            var reasons = new ReferenceBackend().unsupported(model.program(), model.weights());
            for (String name : model.weights().names()) {
                Weights w = model.weights().get(name);
                // integers that nothing asked for, as the order of columns under a wrong name, are no values
                if (w.rows() > 0 && w.cols() > 0 && w.cols() <= MAX_VALUES && !INTEGERS.matcher(w.format()).matches()) {
                    read(w, reasons.isEmpty());
                }
            }
            model.tokenizer().ifPresent(Fuzz::use);
            model.eos();
        }
    }

    private static void read(Weights w, boolean readable) {
        var row = new float[(int) w.cols()];
        try {
            w.decode(0, 1, row, 0);
            w.decode(w.rows() - 1, 1, row, 0);
            if (w instanceof Grouped g) {
                g.blocks().ifPresent(b -> new Assembled("blocks", List.of(b)).decode(0, 1, row, 0));
            }
        } catch (IllegalArgumentException e) {
            if (readable || !e.getMessage().contains("cannot be read")) {
                throw e;
            }
        }
    }

    private static void use(Tokenizer tokenizer) {
        int[] ids = tokenizer.encode(TEXT);
        tokenizer.decode(ids);
        tokenizer.encode(TEXT, false, false);
        for (int id : new int[] {0, tokenizer.vocabSize() - 1, tokenizer.vocabSize(), 5}) {
            tokenizer.token(id);
            tokenizer.isSpecial(id);
        }
    }
}
