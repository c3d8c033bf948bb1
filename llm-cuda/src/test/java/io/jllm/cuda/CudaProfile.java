package io.jllm.cuda;

import io.jllm.cuda.compile.CompiledOp;
import io.jllm.cuda.driver.Event;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.memory.StepSize;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where the time of a decode step goes: arguments are a model, a number of sequences and their length. Prints microseconds. */
final class CudaProfile {
    private record One(int[] tokens, int length) implements RowSampling {
        @Override
        public SamplerSettings settings() {
            return SamplerSettings.GREEDY;
        }

        @Override
        public int slot() {
            return 0;
        }

        @Override
        public int promptLength() {
            return 1;
        }
    }

    private CudaProfile() {
    }

    public static void main(String[] args) {
        int n = Integer.parseInt(args[1]);
        int length = Integer.parseInt(args[2]);
        long start = System.nanoTime();
        new CudaBackendProvider().probe();
        long probed = System.nanoTime();
        try (var model = ModelFiles.open(Path.of(args[0])); Backend backend = CudaBackend.open(BackendOptions.DEFAULT)) {
            long opened = System.nanoTime();
            int blocks = length / 16 + 2;
            var options = new Backend.RunnerOptions(512, n, 512, 16, n * blocks, 0, DType.F16);
            try (var runner = (CudaRunner) backend.load(model.program(), model.weights(), options)) {
                for (int i = 0; i < n * blocks; i += 2) {
                    runner.copyBlocks(new int[] {i, Math.min(i + 1, n * blocks - 1)}); // gives them memory
                }
                System.out.printf("milliseconds: probe %d, open %d, load %d%n", (probed - start) / 1_000_000, (opened - probed) / 1_000_000,
                        (System.nanoTime() - opened) / 1_000_000);
                StepBatch b = decode(n, length, blocks);
                System.out.printf("forward and sample: %.1f%n", step(runner, b));
                System.out.printf("forward, then a wait: %.1f%n", middle(50, () -> {
                    runner.forward(b);
                    runner.stream().synchronize();
                }));
                System.out.printf("graph alone, 20 in a row: %.1f%n", middle(5, () -> {
                    for (int i = 0; i < 20; i++) {
                        runner.graphs().launch(n, length, runner.stream());
                    }
                    runner.stream().synchronize();
                }) / 20);
                kernels(runner, n);
            }
        }
    }

    /** Microseconds of a decode step of one sequence of that length, drawing included. */
    static double step(CudaRunner runner, int length) {
        return step(runner, decode(1, length, length / 16 + 2));
    }

    private static double step(CudaRunner runner, StepBatch b) {
        int n = b.sequences;
        var rows = new RowSampling[n];
        Arrays.fill(rows, new One(new int[] {1, 2, 3}, 3));
        var tokens = new int[n];
        var logprobs = new float[n];
        Runnable once = () -> {
            runner.forward(b);
            runner.sample(rows, n, tokens, logprobs);
        };
        middle(20, once); // warms up
        return middle(50, once);
    }

    private static double middle(int runs, Runnable action) {
        var times = new double[runs];
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            action.run();
            times[i] = (System.nanoTime() - start) / 1e3;
        }
        Arrays.sort(times);
        return times[runs / 2];
    }

    private static StepBatch decode(int n, int length, int blocks) {
        var b = new StepBatch(n, n, n, blocks);
        for (int s = 0; s < n; s++) {
            b.tokenIds[s] = 5 + s;
            b.positions[s] = length - 1;
            b.kvSlots[s] = (s * blocks + (length - 1) / 16) * 16 + (length - 1) % 16;
            b.queryStart[s + 1] = s + 1;
            b.contextLength[s] = length;
            b.logitRow[s] = s;
            b.sequenceSlot[s] = s;
            for (int i = 0; i < blocks; i++) {
                b.blockTable[s * blocks + i] = s * blocks + i;
            }
        }
        b.tokens = n;
        b.sequences = n;
        b.logitRows = n;
        return b;
    }

    /** Each op between two marks, so none overlaps with its neighbours: the sum is more than the graph's time. */
    private static void kernels(CudaRunner runner, int n) {
        List<CompiledOp> ops = runner.graphs().ops(n);
        Stream stream = runner.stream();
        StepSize size = StepSize.decode(n);
        Map<String, List<Double>> times = new LinkedHashMap<>();
        var marks = new ArrayList<Event>();
        for (int i = 0; i <= ops.size(); i++) {
            marks.add(Event.timed());
        }
        for (int round = 0; round < 6; round++) {
            for (int i = 0; i < ops.size(); i++) {
                marks.get(i).record(stream);
                ops.get(i).launch(stream, size);
            }
            marks.getLast().record(stream);
            stream.synchronize();
            for (int i = 0; i < ops.size() && round > 0; i++) {
                String name = ops.get(i).toString().replaceAll(", many=.*|, kind=.*|, kvHeads=.*", "");
                times.computeIfAbsent(name, _ -> new ArrayList<>()).add(marks.get(i + 1).millisecondsSince(marks.get(i)) * 1e3);
            }
        }
        times.forEach((name, t) -> System.out.printf("%8.1f x %5.1f = %8.1f  %s%n", t.stream().sorted().toList().get(t.size() / 2), t.size() / 5.0,
                t.stream().mapToDouble(d -> d).sum() / 5, name));
        marks.forEach(Event::close);
    }
}
