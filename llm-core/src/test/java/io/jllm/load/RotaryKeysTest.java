package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** What a {@code config.json} says of the rotation. */
class RotaryKeysTest extends ConfigCase {
    private static void assertWithinOneUlp(float[] want, float[] got) {
        assertEquals(want.length, got.length);
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], Math.ulp(want[i]), "frequency " + i);
        }
    }

    /** Values are those that the configuration classes of transformers 5 hold. */
    @Test
    void bothSpellingsOfRotaryParameters() {
        assertEquals(new RopeScaling.Linear(2), parse("llama",
                "\"rope_scaling\": {}, \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2.0}").scaling());
        var both = parse("qwen3", """
                "rope_theta": 5000.0, "rope_scaling": {"type": "linear", "factor": 3.0, "rope_theta": 7.0},
                "rope_parameters": {"rope_type": "default", "rope_theta": 9.0}""");
        assertEquals(new RopeScaling.Linear(3), both.scaling());
        assertEquals(7, both.ropeTheta());
        assertEquals(5000, parse("qwen2", "\"rope_theta\": 5000, \"rope_parameters\": {\"rope_type\": \"default\"}").ropeTheta());
        assertEquals(10_000, parse("mistral", "\"rope_parameters\": {\"rope_type\": \"default\"}").ropeTheta());
        // a factor without a type scales nothing
        assertEquals(new RopeScaling.None(), parse("llama", "\"rope_scaling\": {\"factor\": 2.0}").scaling());
        assertEquals(new RopeScaling.None(), parse("llama",
                "\"rope_scaling\": {\"type\": \"linear\", \"rope_type\": \"default\", \"factor\": 2.0}").scaling());
        // the context for which it was trained, where the scaling does not say another
        var llama3 = "\"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0}";
        assertEquals(new RopeScaling.Llama3(8, 1, 4, 2048), parse("llama", llama3).scaling());
        assertEquals(new RopeScaling.Llama3(8, 1, 4, 512), parse("llama", llama3 + ", \"original_max_position_embeddings\": 512").scaling());
    }

    /** The frequencies that transformers 5 computes for Llama 3.2's parameters. */
    @Test
    void llama3ScalingGivesTheFrequenciesOfTransformers() {
        float[] want = {1f, 0.663601279f, 0.440366626f, 0.292227834f, 0.193922758f, 0.128687382f, 0.0853971019f, 0.0566696189f,
            0.0376060307f, 0.0249554086f, 0.0165604409f, 0.0109895291f, 0.00729266508f, 0.00483942125f, 0.00321144611f,
            0.00129054801f, 0.000429556705f, 9.70828623e-05f, 1.94616387e-05f, 1.29147675e-05f, 8.57025589e-06f, 5.68723226e-06f,
            3.77405445e-06f, 2.50446715e-06f, 1.66196742e-06f, 1.10288363e-06f, 7.31874934e-07f, 4.85673127e-07f, 3.22293289e-07f,
            2.1387423e-07f, 1.41927202e-07f, 9.41830649e-08f};
        var four = model("llama", """
                "head_dim": 64, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 32.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}""");
        var five = model("llama", """
                "head_dim": 64, "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}""");
        assertWithinOneUlp(want, four.rope().invFreq());
        assertWithinOneUlp(want, five.rope().invFreq());
    }

    @Test
    void linearScalingDividesTheFrequencies() {
        float[] want = {0.333333343f, 0.105409257f, 0.0333333351f, 0.0105409259f, 0.00333333318f, 0.00105409266f, 0.000333333359f,
            0.000105409265f};
        assertWithinOneUlp(want, model("llama", "\"head_dim\": 16, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 3.0}")
                .rope().invFreq());
    }

    @Test
    void defaultRopeOfTransformers5() {
        float[] want = {1f, 0.177827939f, 0.0316227786f, 0.00562341325f, 0.00100000005f, 0.00017782794f, 3.16227743e-05f,
            5.62341347e-06f};
        assertWithinOneUlp(want, model("qwen3",
                "\"head_dim\": 16, \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 1000000.0}").rope().invFreq());
    }
}
