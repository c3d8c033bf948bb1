package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Kernel;
import io.jllm.cuda.driver.KernelModule;
import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Owner;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The kernels, loaded on a device, by name. A file of them is loaded when the first of its kernels or constants is asked for: all files together
 * are many times what a model needs. What the image says of structs and formats that it shares with Java is compared before they are used, the
 * parameters of a kernel when its launch is made. Safe for use by many threads that use the context.
 */
public final class Kernels implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.jllm.cuda");
    /** From this compute capability on, a kernel may start while the one before it ends, and memory can be copied in bulk. */
    private static final int OVERLAPPING = 90;

    private final Owner owner = new Owner();
    private final KernelImages images;
    private final List<String> files;
    private final Map<String, KernelModule> modules = new ConcurrentHashMap<>();
    private final Map<String, Optional<Kernel>> known = new ConcurrentHashMap<>();
    private final Map<String, int[]> numbers = new ConcurrentHashMap<>();
    private final Map<String, String> texts = new ConcurrentHashMap<>();
    /** Bytes of shared memory that the blocks of a kernel may have. */
    private final Map<String, Integer> allowed = new HashMap<>();
    private final String image;
    private final int multiprocessors;
    private final int sharedMemory;

    /**
     * The files of the jar in the kind of image that suits the device; gives back what it has if one fails.
     *
     * @param multiprocessors of the device, which grids depend on
     * @param sharedMemory bytes that a block can have, which the cut of products depends on
     * @throws IllegalStateException if a struct or a format is another one in the image; names it
     */
    public Kernels(KernelImages images, String image, int multiprocessors, int sharedMemory) {
        this.images = images;
        this.image = image;
        files = images.files(image);
        this.multiprocessors = multiprocessors;
        this.sharedMemory = sharedMemory;
        try {
            SampleKernels.ROW.check(this);
            SampleKernels.RESULT.check(this);
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    /** Of the device. */
    public int multiprocessors() {
        return multiprocessors;
    }

    /** Bytes of shared memory that a block can have. */
    int sharedMemory() {
        return sharedMemory;
    }

    private KernelModule module(String file) {
        return modules.computeIfAbsent(file, f -> {
            LOG.log(System.Logger.Level.DEBUG, "loading kernels {0}", f);
            return own(KernelModule.load(KernelImages.read(f, image), f));
        });
    }

    private synchronized KernelModule own(KernelModule module) {
        return owner.own(module);
    }

    /** What the first of the files that has it says of a name. */
    private <T> Optional<T> search(String name, Function<KernelModule, Optional<T>> read) {
        return files.stream().filter(f -> images.mayHave(f, name)).flatMap(f -> read.apply(module(f)).stream()).findFirst();
    }

    /** A kernel, if there is one of that name. */
    public Optional<Kernel> find(String name) {
        return known.computeIfAbsent(name, n -> search(n, m -> m.kernel(n)));
    }

    private Kernel need(String name) {
        return find(name).orElseThrow(() -> new IllegalStateException("the kernels of llm-cuda lack " + name + ": the jar was not built as a whole"));
    }

    /**
     * Threads a block and sizes of tiles of a kernel or a family of them: what its file says in the constant {@code <family>_shape}.
     *
     * @param count how many numbers it has
     */
    public int[] shape(String family, int count) {
        int[] shape = constants(family + "_shape");
        if (shape.length != count) {
            throw new IllegalStateException("the constant " + family + "_shape of the kernels has " + shape.length + " numbers, not " + count
                    + ": the jar of llm-cuda was not built as a whole");
        }
        return shape;
    }

    /** The whole numbers of a constant that must be there. */
    public int[] constants(String name) {
        return numbers.computeIfAbsent(name, n -> constant(n, m -> m.constants(n)));
    }

    /** The text of a constant that must be there. */
    public String text(String name) {
        return texts.computeIfAbsent(name, n -> constant(n, m -> m.text(n)));
    }

    private <T> T constant(String name, Function<KernelModule, Optional<T>> read) {
        return search(name, read).orElseThrow(() -> new IllegalStateException("the kernels of llm-cuda lack the constant " + name
                + ": the jar was not built as a whole"));
    }

    /** A launch of a kernel that must be there; the arena owns its memory. */
    public Launch.Builder launch(Arena arena, String name, int block) {
        return launch(arena, name, block, 0);
    }

    /** A launch of a kernel that must be there, with that much dynamic shared memory for each block. */
    public Launch.Builder launch(Arena arena, String name, int block, int sharedBytes) {
        Kernel kernel = need(name);
        if (sharedBytes > 0) {
            allow(kernel, sharedBytes);
        }
        return new Launch.Builder(arena, kernel, block, sharedBytes, overlap() ? Launch.Start.OVERLAPPING : Launch.Start.AFTER);
    }

    /** Of several launches of a kernel, the largest counts. */
    private synchronized void allow(Kernel kernel, int sharedBytes) {
        int before = allowed.getOrDefault(kernel.name(), 0);
        if (sharedBytes > before) {
            kernel.allowSharedMemory(sharedBytes);
            allowed.put(kernel.name(), sharedBytes);
        }
    }

    /** A launch of a kernel that must be there and does not wait by itself for those before. */
    Launch.Builder launchAfter(Arena arena, String name, int block) {
        return new Launch.Builder(arena, need(name), block, 0, Launch.Start.AFTER);
    }

    /** A launch of a kernel that must be there and whose blocks run all at once, with that much shared memory each. */
    public Launch.Builder launchTogether(Arena arena, String name, int block, int sharedBytes) {
        return together(arena, name, block, sharedBytes, Launch.Start.TOGETHER);
    }

    /** The same of a kernel that waits by itself for those before. */
    Launch.Builder launchTogetherSoon(Arena arena, String name, int block, int sharedBytes) {
        return together(arena, name, block, sharedBytes, Launch.Start.TOGETHER_OVERLAPPING);
    }

    private Launch.Builder together(Arena arena, String name, int block, int sharedBytes, Launch.Start start) {
        Kernel kernel = need(name);
        allow(kernel, sharedBytes);
        return new Launch.Builder(arena, kernel, block, sharedBytes, start);
    }

    /** Whether kernels wait for what they need by themselves, and use all that such devices have. */
    public boolean overlap() {
        return !image.equals("ptx") && Integer.parseInt(image.replaceAll("\\D", "")) >= OVERLAPPING;
    }

    /** The kind of image, as users would name it. */
    public String name() {
        return image.equals("ptx") ? "ptx" : "sm_" + image;
    }

    @Override
    public synchronized void close() {
        owner.close();
    }
}
