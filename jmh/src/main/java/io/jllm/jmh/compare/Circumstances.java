package io.jllm.jmh.compare;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What else goes on while a program is measured.
 *
 * @param cold whether the model's file is first dropped from the system's cache
 * @param busy processors on each of which another process spins meanwhile, as a busy neighbour would; Linux only
 */
record Circumstances(boolean cold, List<Integer> busy) {
    private static final String SPIN = "while :; do :; done";

    /** Before a command, to be typed in a shell. */
    String command(String model) {
        var line = new StringBuilder();
        if (cold) {
            line.append("dd if=").append(model).append(" iflag=nocache count=0; ");
        }
        busy.forEach(processor -> line.append("taskset -c ").append(processor).append(" sh -c '").append(SPIN).append("' & "));
        return line.toString();
    }

    /** Runs a program so. */
    Program.Run run(Program program, Setting setting, Duration limit) throws IOException, InterruptedException {
        if (cold) {
            // GNU dd tells the system that it will not need the file: posix_fadvise with POSIX_FADV_DONTNEED.
            Child.run(List.of("dd", "if=" + setting.model(), "iflag=nocache", "count=0"), Map.of(), limit);
        }
        var spinning = new ArrayList<Process>();
        try {
            for (int processor : busy) {
                spinning.add(new ProcessBuilder("taskset", "-c", "" + processor, "sh", "-c", SPIN).redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD).start());
            }
            Program.Run run = program.run(setting, limit);
            if (!spinning.stream().allMatch(Process::isAlive)) {
                throw new IOException("no process could spin on each of processors " + busy + ": are there so many?");
            }
            return run;
        } finally {
            spinning.forEach(Process::destroyForcibly);
        }
    }

    /** In words, behind a label; empty if there is nothing to say. */
    String label() {
        return (cold ? ", cold" : "") + (busy.isEmpty() ? "" : ", busy processors " + String.join(" ", busy.stream().map(i -> "" + i).toList()));
    }
}
