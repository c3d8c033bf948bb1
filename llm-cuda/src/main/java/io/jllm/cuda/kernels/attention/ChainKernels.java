package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.attention.AttentionKernels.Pages;
import io.jllm.cuda.kernels.attention.DecodeKernels.Partial;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** Launches {@code chain/chain.cu}: lists of tasks of one row, done in order by one launch. */
public final class ChainKernels {
    private static final String FAMILY = "chain";
    private static final int CHAIN_NUMBERS = 6;

    /**
     * What the image says of chains.
     *
     * @param threads a block
     * @param sharedBytes shared memory that a block takes in any case
     * @param attentionBytes what attention takes besides
     * @param attentionBytesPerDimension and for each dimension of a head
     * @param mostStages of weights on their way to a block
     * @param largestHead dimensions
     * @param stageBytes bytes of a stage, for each format that chains multiply by
     */
    public record Shape(int threads, int sharedBytes, int attentionBytes, int attentionBytesPerDimension, int mostStages, int largestHead,
            Map<DeviceFormat, Integer> stageBytes) {
        /**
         * As the image has it.
         *
         * @throws IllegalStateException if tasks or the number of a format are others there; names it
         */
        public static Shape of(Kernels kernels) {
            Task.STRUCT.check(kernels);
            int[] n = kernels.shape(FAMILY, CHAIN_NUMBERS);
            return new Shape(n[0], n[1], n[2], n[3], n[4], n[5], formats(kernels));
        }
    }

    /**
     * A list of tasks: a launch, with a block for each multiprocessor.
     *
     * @param launch of the kernel
     * @param multiprocessors of the device
     */
    public record Chain(Launch launch, int multiprocessors) {
        /** Queues it. */
        public void run(Stream stream) {
            launch.run(stream, multiprocessors, 1, 1);
        }
    }

    /**
     * What a block's shared memory is used for.
     *
     * @param bytes all of it
     * @param stageBytes of a stage
     * @param stages how many there are
     * @param vectorBytes of the vector of the most demanding product
     * @param attentionBytes of what the most demanding attention needs
     */
    public record Shared(int bytes, int stageBytes, int stages, int vectorBytes, int attentionBytes) {
    }

    private ChainKernels() {
    }

    /** The kernel for a type of keys and values. */
    private static String name(String kvSuffix) {
        return "chain_" + kvSuffix;
    }

    /** Whether there is one, and the device can run it. */
    public static boolean exist(Kernels kernels, String kvSuffix) {
        return kernels.overlap() && kernels.find(name(kvSuffix)).isPresent();
    }

    /**
     * Tasks that stand one after the other on the device.
     *
     * @param weightBytes that they read together
     * @param arrived where two numbers are: 0 before and after, and which half of the room comes next
     * @param room of what tasks leave, two halves, of which the device keeps the next one full of ones
     * @param roomFloats of a half
     */
    public static Chain chain(Kernels kernels, Arena arena, String kvSuffix, long tasks, int count, long weightBytes, long arrived,
            long room, long roomFloats, Shared shared, Pages p, Partial partial, StepArrays step, int multiprocessors) {
        return new Chain(kernels.launchTogether(arena, name(kvSuffix), kernels.shape(FAMILY, CHAIN_NUMBERS)[0], shared.bytes).reads(weightBytes)
                .pointer("tasks", tasks).integer("count", count).pointer("arrived", arrived).integer("stageBytes", shared.stageBytes)
                .integer("stages", shared.stages).integer("vectorBytes", shared.vectorBytes)
                .integer("attentionBytes", shared.attentionBytes).pointer("room", room).wide("roomFloats", roomFloats)
                .pointer("kv", p.kv()).wide("blockBytes", p.blockBytes())
                .integer("blockSize", p.blockSize()).pointer("kvSlots", step.address(Field.KV_SLOTS))
                .pointer("context", step.address(Field.CONTEXT)).pointer("table", step.address(Field.TABLE))
                .pointer("partial", partial.partial()).pointer("pieces", step.address(Field.PIECES))
                .build(), multiprocessors);
    }

    /** The formats that the image multiplies by, whose numbers must be those of Java. */
    private static Map<DeviceFormat, Integer> formats(Kernels kernels) {
        int[] numbers = kernels.constants("chain_formats");
        String[] names = kernels.text("chain_format_names").split(" ");
        var stageBytes = new EnumMap<DeviceFormat, Integer>(DeviceFormat.class);
        for (int i = 0; i < names.length; i++) {
            String name = names[i];
            int number = numbers[2 * i];
            DeviceFormat format = Arrays.stream(DeviceFormat.values()).filter(f -> f.suffix().equals(name)).findFirst()
                    .orElseThrow(() -> new IllegalStateException("chain.cu multiplies by the format " + name + ", which Java does not know"));
            if (format.number() != number) {
                throw new IllegalStateException("chain.cu has the number " + number + " for the format " + name + ", Java has " + format.number()
                        + "; the jar of llm-cuda was not built as a whole: build it anew, mvn clean package");
            }
            stageBytes.put(format, numbers[2 * i + 1]);
        }
        return stageBytes;
    }
}
