package io.jllm.cuda;

import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.model.FamilyOracles;
import io.jllm.quant.DType;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;

/** All families on the device. */
class CudaFamilyOraclesTest {
    private abstract static class OnCuda extends FamilyOracles {
        private final DType kvType;

        OnCuda(DType kvType) {
            this.kvType = kvType;
        }

        @BeforeEach
        void aDeviceIsThere() {
            OnDevice.assume();
        }

        @Override
        protected LLM open(Path model) {
            return LLM.load(model).backend("cuda").kvType(kvType).open();
        }

        @Override
        protected double tolerance() {
            return 1e-2;
        }

        @Override
        protected double margin() {
            return 0.02;
        }
    }

    @Nested
    class WithFloats extends OnCuda {
        WithFloats() {
            super(DType.F32);
        }
    }

    /** By default: without mixtures, which go to other experts where rounding decides, and are then as far off on any backend. */
    @Nested
    class WithHalves extends OnCuda {
        WithHalves() {
            super(DType.F16);
        }

        @Override
        protected boolean tests(JsonObject config) {
            return !config.toString().contains("experts");
        }
    }
}
