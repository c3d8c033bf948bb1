package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Kernel;
import io.jllm.cuda.driver.KernelModule;
import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Owner;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The kernels, loaded on a device, by name. */
public final class Kernels implements AutoCloseable {
    /** From this compute capability on, a kernel may start while the one before it ends, and memory can be copied in bulk. */
    private static final int OVERLAPPING = 90;

    private final Owner owner = new Owner();
    private final List<KernelModule> modules = new ArrayList<>();
    private final Map<String, Optional<Kernel>> known = new HashMap<>();
    private final String image;

    /** Loads all files of the jar in the kind of image that suits the device; gives back what it has if one fails. */
    public Kernels(KernelImages images, String image) {
        this.image = image;
        try {
            for (String file : images.files()) {
                modules.add(owner.own(KernelModule.load(KernelImages.read(file, image), file)));
            }
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    /** A kernel, if there is one of that name. */
    public Optional<Kernel> find(String name) {
        return known.computeIfAbsent(name, n -> modules.stream().flatMap(m -> m.kernel(n).stream()).findFirst());
    }

    /** A kernel that must be there. */
    public Kernel need(String name) {
        return find(name).orElseThrow(() -> new IllegalStateException("the kernels of llm-cuda lack " + name + ": the jar was not built as a whole"));
    }

    /** Threads a block and rows a block of a family of kernels: what its file says in the constant {@code <family>_shape}. */
    public int[] shape(String family) {
        return modules.stream().flatMap(m -> m.constants(family + "_shape").stream()).findFirst()
                .orElseThrow(() -> new IllegalStateException("the kernels of llm-cuda lack the constant " + family + "_shape"));
    }

    /** A launch of a kernel that must be there; the arena owns its memory. */
    public Launch launch(Arena arena, String name, int block, int parameters) {
        return new Launch(arena, need(name), block, 0, overlap() ? Launch.Start.OVERLAPPING : Launch.Start.AFTER, parameters);
    }

    /** A launch of a kernel that must be there and whose blocks run all at once, with that much shared memory each. */
    public Launch together(Arena arena, String name, int block, int sharedBytes, int parameters) {
        Kernel kernel = need(name);
        kernel.allowSharedMemory(sharedBytes);
        return new Launch(arena, kernel, block, sharedBytes, Launch.Start.TOGETHER, parameters);
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
    public void close() {
        owner.close();
    }
}
