package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cuda.driver.CudaException;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.KernelImages;
import io.jllm.model.ExpertOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.ActivationType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.BackendProvider.Probe;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.PagedSequences;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import io.jllm.spi.TinyModels;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What {@link FakeDriverTest} runs in JVMs of their own, where {@code libcuda.so.1} is the fake. */
final class FakeScenarios {
    /** The kernels of the build, if it has any, else those that {@link FakeDriverTest} has made up. */
    private static final KernelImages IMAGES = KernelImages.packaged().missing().isEmpty() ? KernelImages.packaged() : images("fake");
    private static final String DEVICE = "90a";
    private static final RunnerOptions OPTIONS = new RunnerOptions(64, 4, 64, 16, 40, 0, DType.F16);
    private static final RunnerOptions MANY = new RunnerOptions(128, 4, 128, 16, 40, 0, DType.F16);
    private static final Program PROGRAM = TinyModels.program(TinyModels.config(100, 2, 64, 96, new Op.AttentionShape(4, 2, 16), 256, 0));

    private FakeScenarios() {
    }

    public static void main(String[] args) {
        switch (args[0]) {
            case "life" -> life();
            case "allocations" -> allocations();
            case "running" -> running();
            case "tooLarge" -> tooLarge();
            case "formats" -> formats();
            case "packed" -> packed();
            case "limits" -> limits();
            case "adapters" -> FakeAdapters.run();
            case "wrong" -> wrong(args[1]);
            case "probe" -> System.out.println(switch (CudaBackendProvider.probe(images("fake"))) {
                case Probe.Available a -> "available " + a.device();
                case Probe.Unavailable u -> u.reason();
            });
            default -> throw new IllegalArgumentException(args[0]);
        }
        StartedDevice.release();
        assertEquals(0, FakeDriver.live(), "things were not given back");
        assertEquals(0, FakeDriver.bytes(), "memory was not given back");
    }

    private static KernelImages images(String... files) {
        return new KernelImages(Optional.empty(), 13000, List.of(files), Map.of(), Map.of(), List.of(DEVICE), 80);
    }

    private static WeightSource weights() {
        return TinyModels.weights(PROGRAM, DType.Q8_0, 1);
    }

    static CudaBackend open() {
        return CudaBackend.open(BackendOptions.DEFAULT, IMAGES);
    }

    private static void life() {
        for (int round = 0; round < 3; round++) {
            try (CudaBackend backend = open(); ModelRunner runner = backend.load(PROGRAM, weights(), OPTIONS)) {
                run(runner);
                assertTrue(runner.memory().weights() > 0 && runner.memory().kv() > 0 && runner.memory().scratch() > 0, runner.memory().toString());
                runner.close();
                runner.close();
                assertThrows(IllegalStateException.class, () -> runner.copyBlocks(new int[] {0, 1}));
            }
            assertEquals(0, FakeDriver.live(), "things were not given back");
        }
    }

    private static void run(ModelRunner runner) {
        var sequences = new PagedSequences(3, 16, 40, 60, 100, 1);
        runner.forward(sequences.next(20, 0, 3));
        long graphs = FakeDriver.graphLaunches();
        long launches = FakeDriver.launches();
        runner.forward(sequences.next(1, 1, 1));
        assertEquals(graphs + 1, FakeDriver.graphLaunches(), "decode is one graph");
        assertEquals(launches, FakeDriver.launches(), "and nothing beside it");
        runner.copyBlocks(new int[] {0, 30, 1, 31});
        runner.logits();
        ahead(runner, sequences.next(1, 1, 1));
    }

    /** A step whose tokens another one draws, of which nobody has read them. */
    private static void ahead(ModelRunner runner, StepBatch b) {
        assertTrue(runner.overlaps());
        var rows = new RowSampling[] {plain(0, 0), plain(1, 0.5f)};
        Drawing first = runner.startSample(rows, 2);
        int known = b.tokenIds[0];
        b.tokenIds[0] = StepBatch.drawn(1);
        long launches = FakeDriver.launches();
        runner.forward(b);
        assertEquals(launches + 1, FakeDriver.launches(), "tokens are put in their places, and the rest is a graph");
        Drawing second = runner.startSample(rows, 1);
        first.finish(new int[2], new float[2], new RuntimeException[2]);
        b.tokenIds[0] = StepBatch.drawn(0);
        runner.forward(b);
        second.finish(new int[1], new float[1], new RuntimeException[1]);
        b.tokenIds[0] = StepBatch.drawn(1);
        String message = assertThrows(IllegalArgumentException.class, () -> runner.forward(b)).getMessage();
        assertTrue(message.contains("no row 1"), message);
        b.tokenIds[0] = known;
    }

    /** The next allocation fails, then the one after the next, and so on, until a whole life passes without a failure. */
    private static void allocations() {
        int at = 1;
        for (boolean failed = true; failed; at++) {
            FakeDriver.fail("*", at, FakeDriver.OUT_OF_MEMORY);
            failed = false;
            try (CudaBackend backend = open(); ModelRunner runner = backend.load(PROGRAM, weights(), OPTIONS)) {
                run(runner);
                FakeAdapters.live(runner, PROGRAM);
            } catch (CudaException | IllegalStateException e) {
                failed = true;
                assertTrue(e.getMessage().contains("memory") || e.getMessage().contains("CUDA_ERROR_OUT_OF_MEMORY"), e.getMessage());
            }
            FakeDriver.fail("", 0, 0);
            assertEquals(0, FakeDriver.live(), "things left after a failure of allocation " + at);
        }
        System.out.println("failed at " + (at - 2));
    }

    private static void running() {
        try (CudaBackend backend = open(); ModelRunner runner = backend.load(PROGRAM, weights(), OPTIONS)) {
            var sequences = new PagedSequences(2, 16, 40, 60, 100, 1);
            FakeDriver.fail("cuLaunchKernelEx", 3, FakeDriver.LAUNCH_FAILED);
            String message = assertThrows(CudaException.class, () -> runner.forward(sequences.next(5, 0))).getMessage();
            assertTrue(message.contains("cuLaunchKernelEx") && message.contains("_q8_0") && message.contains(" x 1 x 1, block ")
                    && message.contains("719"), message);
            FakeDriver.fail("cuLaunchKernelEx", 3, FakeDriver.LAUNCH_FAILED);
            assertThrows(CudaException.class, () -> runner.forward(sequences.next(1, 1))); // while a graph is made
            FakeDriver.fail("cuEventSynchronize", 1, FakeDriver.LAUNCH_FAILED);
            RowSampling row = row(1);
            message = assertThrows(CudaException.class, () -> runner.sample(new RowSampling[] {row}, 1, new int[1], new float[1])).getMessage();
            assertTrue(message.contains("cuEventSynchronize") && message.contains("kernel"), message);
            FakeDriver.fail("cuMemAlloc_v2", 1, FakeDriver.OUT_OF_MEMORY); // counts of tokens are allocated when they are first wanted
            message = assertThrows(IllegalStateException.class, () -> runner.sample(new RowSampling[] {row(2)}, 1, new int[1], new float[1]))
                    .getMessage();
            assertTrue(message.contains("weights " + runner.memory().weights() + " bytes") && message.contains("KV cache")
                    && message.contains("scratch")
                    && message.contains("kvCache"), message);
            runner.forward(sequences.next(1, 1));
            runner.sample(new RowSampling[] {row(2), row(1, -1, -1)}, 2, new int[2], new float[2]);
            message = assertThrows(IllegalArgumentException.class, () -> runner.sample(new RowSampling[] {row(2, -1)}, 1, new int[1], new float[1]))
                    .getMessage();
            assertTrue(message.contains("1 words") && message.contains("100 tokens"), message);
        }
    }

    private static RowSampling plain(int slot, float temperature) {
        return row(slot, new SamplerSettings(temperature, 0, 1, 0, 1, 0, 0, 1, LogitBias.NONE));
    }

    private static RowSampling row(int slot, long... allowed) {
        return row(slot, new SamplerSettings(1, 0, 1, 0, 1.5f, 0, 0, 1, LogitBias.NONE), allowed);
    }

    private static RowSampling row(int slot, SamplerSettings settings, long... allowed) {
        return new RowSampling() {
            @Override
            public SamplerSettings settings() {
                return settings;
            }

            @Override
            public int slot() {
                return slot;
            }

            @Override
            public long[] allowed() {
                return allowed;
            }

            @Override
            public int[] tokens() {
                return new int[] {1, 2, 3};
            }

            @Override
            public int promptLength() {
                return 2;
            }

            @Override
            public int length() {
                return 3;
            }
        };
    }

    private static void tooLarge() {
        try (CudaBackend backend = open()) {
            long room = 9L << 30;
            var options = new RunnerOptions(64, 4, 8, 16, Integer.MAX_VALUE / 16, room, DType.F16);
            String message = assertThrows(IllegalStateException.class, () -> backend.load(PROGRAM, weights(), options)).getMessage();
            assertTrue(message.contains("weights") && message.contains("KV cache") && message.contains("scratch")
                    && message.contains("lower kvCache"), message);
            try (ModelRunner runner = backend.load(PROGRAM, weights(), OPTIONS)) {
                run(runner);
            }
        }
    }

    /** Every launch that there can be is made, and so compared with the kernels of the build. */
    private static void formats() {
        for (DeviceFormat format : DeviceFormat.values()) {
            for (DType kv : format == DeviceFormat.F32 ? CudaBackend.KV_TYPES : List.of(DType.F16, DType.BF16)) {
                Program usual = TinyModels.program(TinyModels.config(100, 1, 256, 512, new Op.AttentionShape(4, 2, 64), 256, 0));
                for (Program program : List.of(usual, EveryOp.program())) {
                    var options = new RunnerOptions(128, 4, 128, 16, 40, 0, kv);
                    try (CudaBackend backend = open(); ModelRunner runner = backend.load(program, zeros(program, format.type()), options)) {
                        run(runner);
                        many(runner);
                        runner.sample(new RowSampling[] {row(1)}, 1, new int[1], new float[1]);
                    }
                }
            }
        }
        packed();
        strict();
    }

    /** Groups whose columns stand anywhere, for which activations are put into their order; and weights that meet large activations as floats. */
    private static void packed() {
        Program program = TinyModels.program(TinyModels.config(100, 1, 256, 512, new Op.AttentionShape(4, 2, 64), 256, 0));
        for (float threshold : new float[] {0, 6}) {
            var weights = new PackedZeros(TinyModels.weights(program, 1), threshold);
            try (CudaBackend backend = open(); ModelRunner runner = backend.load(program, weights, MANY)) {
                run(runner);
                many(runner);
            }
        }
    }

    /** Rows of dense weights in two pieces of 16 bits. */
    private static void strict() {
        var options = new BackendOptions(0, "auto", 0, 0.9, ActivationType.FLOAT);
        for (DType type : List.of(DType.F16, DType.BF16)) {
            try (CudaBackend backend = CudaBackend.open(options, IMAGES); ModelRunner runner = backend.load(PROGRAM, zeros(PROGRAM, type), MANY)) {
                many(runner);
            }
        }
    }

    /** A step of more tokens than kernels for few take, all of which want logits. */
    private static void many(ModelRunner runner) {
        long launches = FakeDriver.launches();
        runner.forward(new PagedSequences(2, 16, 40, 200, 100, 1).next(120, 7));
        assertTrue(FakeDriver.launches() > launches, "a prompt is launched kernel by kernel");
    }

    /** What kernels have no room for is named before anything is allocated. */
    private static void limits() {
        var shape = new Op.AttentionShape(1, 1, 640);
        var p = new Program.Builder();
        Value q = p.ropeStoreKv(p.embed("table", 4, shape.qkvDim()), 0, shape, TinyModels.rope(64, Rope.Layout.NEOX, 1), Optional.empty());
        Value logits = p.linear(p.attention(q, 0, shape, 0), new Weight("router", 2000, Optional.empty()));
        Program program = p.build(p.selectRows(p.route(logits, 2, new ExpertOp.Scoring.Softmax(), Optional.empty(), Optional.empty(), true, 1)));
        try (CudaBackend backend = open()) {
            String why = String.join("; ", backend.unsupported(program, TinyModels.weights(program, 1)));
            assertTrue(why.contains("640 dimensions") && why.contains("2000 experts") && why.contains("use the cpu backend"), why);
            assertEquals(List.of(), backend.unsupported(EveryOp.program(), TinyModels.weights(EveryOp.program(), 1)));
            assertThrows(IllegalArgumentException.class, () -> backend.load(program, TinyModels.weights(program, 1), OPTIONS));
        }
    }

    /** Matrices of zeros of any type. */
    private static WeightSource zeros(Program program, DType type) {
        var tensors = new LinkedHashMap<>(TinyModels.weights(program, 1).tensors());
        tensors.replaceAll((name, t) -> t.rows() == 1 || name.matches(".*(norm|bias)") || t.cols() % type.blockElements() != 0 ? t
                : new Tensor(name, type, t.rows(), t.cols(), Arena.ofAuto().allocate(type.bytes(t.rows() * t.cols()), 64)));
        return new TinyModels.MemoryWeights(tensors);
    }

    /** A file with something wrong stands before those of the build; loading says what. */
    private static void wrong(String file) {
        var files = new ArrayList<>(List.of(file));
        files.addAll(IMAGES.files());
        try (CudaBackend backend = CudaBackend.open(BackendOptions.DEFAULT, images(files.toArray(String[]::new)));
                ModelRunner runner = backend.load(PROGRAM, weights(), OPTIONS)) {
            System.out.println("loaded " + runner.blocks());
        } catch (IllegalStateException e) {
            System.out.println(e.getMessage());
        }
    }
}
