package io.jllm.cuda;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.Device;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Event;
import io.jllm.cuda.driver.Graph;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.KernelImages;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.BackendProvider.Probe;
import io.jllm.spi.TinyModels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * How fast each format is at one row, with the matrices of a 7B llama: the products alone, and a whole decode step behind 256 positions. Arguments
 * are the bytes a second that a kernel reads, then formats, or none for all. Prints a line of JSON for each shape of a product, one for all of a
 * step's products, and one for the step; {@code share} is the part of the floor, which is the time in which the file's bytes are read, and
 * {@code of_q4_0} is that by Q4_0's, which is always measured first.
 */
final class CudaFormats {
    private static final int HIDDEN = 4096;
    private static final int FFN = 11_008;
    private static final int LAYERS = 32;
    private static final int VOCAB = 32_000;
    private static final int POSITIONS = 256;
    /** Bytes of matrices that a measurement goes through, so that none is still in the second cache. */
    private static final long AROUND = 512L << 20;
    private static final long ACTIVATIONS = 4L << 20;
    private static final int ROUNDS = 12;

    /**
     * A product of the model.
     *
     * @param name as rows of results have it
     * @param rows of the matrix, those of gate and up together
     * @param gated whether it is that of gate and up
     * @param count how often a step has it
     */
    private record Shape(String name, int rows, int cols, boolean gated, int count) {
        long elements() {
            return (long) rows * cols;
        }
    }

    private static final List<Shape> SHAPES = List.of(new Shape("qkv", 3 * HIDDEN, HIDDEN, false, LAYERS),
            new Shape("output", HIDDEN, HIDDEN, false, LAYERS), new Shape("gate_up", 2 * FFN, HIDDEN, true, LAYERS),
            new Shape("down", HIDDEN, FFN, false, LAYERS), new Shape("head", VOCAB, HIDDEN, false, 1));

    private final double floor;
    private double productsOfFirst;
    private double stepOfFirst;

    private CudaFormats(double floor) {
        this.floor = floor;
    }

    public static void main(String[] args) {
        if (new CudaBackendProvider().probe() instanceof Probe.Unavailable(String reason)) { // which starts the driver too
            throw new IllegalStateException(reason);
        }
        var formats = new ArrayList<>(List.of(DeviceFormat.Q4_0));
        Arrays.stream(DeviceFormat.values())
                .filter(f -> f != DeviceFormat.F32 && (args.length == 1 || List.of(args).subList(1, args.length).contains(f.suffix())))
                .filter(f -> f != DeviceFormat.Q4_0).forEach(formats::add);
        var measure = new CudaFormats(Double.parseDouble(args[0]));
        try (var owner = new Owner()) {
            Context context = owner.own(StartedDevice.take(Device.of(0)));
            KernelImages images = KernelImages.packaged();
            Kernels kernels = owner.own(new Kernels(images, images.image(context.device().capability()).orElseThrow(),
                    context.device().multiprocessors(), context.device().sharedMemory()));
            Stream stream = owner.own(Stream.create());
            DeviceMemory memory = owner.own(DeviceMemory.allocate(context, 2 * AROUND + ACTIVATIONS, "measuring"));
            random(memory);
            formats.forEach(f -> measure.products(f, kernels, stream, memory));
        }
        try (Backend backend = CudaBackend.open(BackendOptions.DEFAULT)) {
            formats.forEach(f -> measure.step(f, backend));
        }
    }

    private static void random(DeviceMemory memory) {
        try (Arena arena = Arena.ofConfined()) {
            var bytes = new byte[32 << 20];
            new Random(1).nextBytes(bytes);
            MemorySegment host = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            for (long at = 0; at + bytes.length <= 2 * AROUND; at += bytes.length) {
                memory.write(host, at);
            }
        }
    }

    private void products(DeviceFormat format, Kernels kernels, Stream stream, DeviceMemory memory) {
        double step = 0;
        long stepBytes = 0;
        for (Shape s : SHAPES) {
            long bytes = format.bytes(s.rows, s.cols);
            int copies = (int) Math.max(2, AROUND / bytes);
            long rows = memory.address() + 2 * AROUND; // activations stand last
            try (Arena arena = Arena.ofConfined()) {
                List<RowsLaunch> launches = IntStream.range(0, copies)
                        .mapToObj(i -> launch(kernels, arena, format, s, memory.address() + i * bytes, rows)).toList();
                double micros = micros(stream, () -> launches.forEach(l -> l.run(stream, 1))) / copies;
                print("product", format, s.name, micros, format.type().bytes(s.elements()), bytes, 0);
                step += micros * s.count;
                stepBytes += format.type().bytes(s.elements()) * s.count;
            }
        }
        productsOfFirst = productsOfFirst == 0 ? share(step, stepBytes) : productsOfFirst;
        print("products", format, "step", step, stepBytes, 0, productsOfFirst);
    }

    private static RowsLaunch launch(Kernels kernels, Arena arena, DeviceFormat format, Shape s, long weights, long rows) {
        var products = new ProductKernels(kernels, arena, new ProductKernels.Room(0));
        var x = new Rows(rows, s.cols, rows + (1 << 20), rows + (2 << 20));
        var y = Rows.ofFloats(rows + (3 << 20), s.rows);
        return s.gated ? products.gated(new ProductKernels.Weights(format, weights, s.rows / 2, s.cols), x, y, 0, false).orElseThrow()
                : products.few(new ProductKernels.Weights(format, weights, s.rows, s.cols), x, 0, Rows.NONE, y);
    }

    /** The middle of several times of what is queued, as one graph. */
    private static double micros(Stream stream, Runnable queue) {
        var times = new double[ROUNDS];
        try (Graph graph = Graph.capture(stream, queue); Event start = Event.timed(); Event end = Event.timed()) {
            for (int i = -2; i < ROUNDS; i++) {
                start.record(stream);
                graph.launch(stream);
                end.record(stream);
                stream.synchronize();
                times[Math.max(0, i)] = end.millisecondsSince(start) * 1e3;
            }
        }
        Arrays.sort(times);
        return times[ROUNDS / 2];
    }

    /** A whole model, whose tensors are pieces of a few random blocks, each elsewhere. */
    private void step(DeviceFormat format, Backend backend) {
        DType type = format.type();
        var shape = new Op.AttentionShape(32, 32, 128);
        Program program = TinyModels.program(TinyModels.config(VOCAB, LAYERS, HIDDEN, FFN, shape, 2048, 0));
        long bytes = 0;
        try (Arena arena = Arena.ofShared()) { // several threads load them
            Tensor few = TinyModels.random(type, 64, HIDDEN, 1);
            long all = type.bytes((long) VOCAB * HIDDEN);
            long shift = type.blockBytes();
            long most = all + 1024 * shift;
            MemorySegment pool = arena.allocate(most);
            for (long at = 0; at < most; at += few.data().byteSize()) {
                MemorySegment.copy(few.data(), 0, pool, at, Math.min(few.data().byteSize(), most - at));
            }
            var tensors = new LinkedHashMap<String, Tensor>();
            for (WeightShape w : WeightShape.of(program)) {
                long size = type.bytes(w.rows() > 1 ? w.rows() * w.cols() : 0);
                tensors.put(w.name(), w.rows() > 1
                        ? new Tensor(w.name(), type, w.rows(), w.cols(), pool.asSlice(tensors.size() * shift, size))
                        : TinyModels.random(DType.F32, 1, w.cols(), 2));
                bytes += size;
            }
            int blocks = POSITIONS / 16 + 2;
            var options = new Backend.RunnerOptions(512, 1, 512, 16, blocks, 0, DType.F16);
            try (var runner = (CudaRunner) backend.load(program, new TinyModels.MemoryWeights(tensors), options)) {
                for (int i = 0; i < blocks; i += 2) {
                    runner.copyBlocks(new int[] {i, Math.min(i + 1, blocks - 1)}); // gives them memory
                }
                double micros = DecodeStep.micros(runner, POSITIONS);
                stepOfFirst = stepOfFirst == 0 ? share(micros, bytes) : stepOfFirst;
                print("decode", format, "7b", micros, bytes, 0, stepOfFirst);
            }
        }
    }

    private double share(double micros, long bytes) {
        return bytes / floor * 1e6 / micros;
    }

    private void print(String what, DeviceFormat format, String shape, double micros, long fileBytes, long deviceBytes, double ofFirst) {
        var line = new StringBuilder(String.format(Locale.ROOT,
                "{\"label\":\"%s\",\"format\":\"%s\",\"shape\":\"%s\",\"us\":%.2f,\"file_bytes\":%d,\"gb_per_s\":%.1f,\"share\":%.4f", what,
                format.suffix(), shape, micros, fileBytes, fileBytes / micros / 1e3, share(micros, fileBytes)));
        if (deviceBytes > 0) {
            line.append(String.format(Locale.ROOT, ",\"device_bytes\":%d", deviceBytes));
        }
        if (ofFirst > 0) {
            line.append(String.format(Locale.ROOT, ",\"of_q4_0\":%.3f", share(micros, fileBytes) / ofFirst));
        }
        if (what.equals("decode")) {
            line.append(String.format(Locale.ROOT, ",\"tokens_per_s\":%.1f", 1e6 / micros));
        }
        System.out.println(line.append('}'));
    }
}
