package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** The driver as a whole. */
public final class Driver {
    private Driver() {
    }

    /** What was found. */
    public sealed interface State {
        /**
         * It can be used.
         *
         * @param version 1000 times CUDA's major version and 10 times the minor one
         * @param devices how many devices it has, at least one
         */
        record Ready(int version, int devices) implements State {
        }

        /**
         * It cannot.
         *
         * @param reason why, and what to do
         */
        record Absent(String reason) implements State {
        }
    }

    /**
     * Looks for the driver and its devices. Cheap; never throws; touches no generated class where there is no driver.
     *
     * @param oldest the oldest version that will do, as in {@link State.Ready}
     */
    public static State probe(int oldest) {
        Optional<String> problem = DriverLibrary.problem();
        if (problem.isPresent()) {
            return new State.Absent(problem.get());
        }
        DriverLibrary.bindAhead();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
            // The version first: a driver that is too old may not even start.
            Calls.check(CudaDriver.cuDriverGetVersion(number), "cuDriverGetVersion");
            int version = number.get(ValueLayout.JAVA_INT, 0);
            if (version < oldest) {
                return new State.Absent("the NVIDIA driver supports CUDA " + name(version) + ", the kernels need " + name(oldest)
                        + ": install a newer driver");
            }
            int result = CudaDriver.cuInit(0);
            if (result == CudaDriver.CUDA_ERROR_NO_DEVICE()) {
                return new State.Absent("there is an NVIDIA driver, but no device; is it hidden by CUDA_VISIBLE_DEVICES, or not given to the "
                        + "container?");
            }
            if (result == CudaDriver.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH()) {
                return new State.Absent("the NVIDIA driver's library and its kernel module have different versions: restart the machine, "
                        + "or the container");
            }
            Calls.check(result, "cuInit");
            Calls.check(CudaDriver.cuDeviceGetCount(number), "cuDeviceGetCount");
            int devices = number.get(ValueLayout.JAVA_INT, 0);
            return devices > 0 ? new State.Ready(version, devices)
                    : new State.Absent("the NVIDIA driver has no device; is it hidden by CUDA_VISIBLE_DEVICES?");
        } catch (CudaException e) {
            return new State.Absent("the NVIDIA driver does not start: " + e.getMessage());
        }
    }

    /** A version as people write it: 13000 is 13.0. */
    public static String name(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }
}
