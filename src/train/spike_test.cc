#include "train/spike.h"

#include <gtest/gtest.h>

#include "train/dataset.h"
#include "train/trainer.h"

namespace avocado {
namespace {

TEST(Spike, IsALossFarAboveTheMedianOfItsWindow) {
  SpikeWatch watch({.window = 3, .factor = 2});
  EXPECT_LT(watch.add(5), 0);
  EXPECT_LT(watch.add(100), 0);  // the window is not full
  EXPECT_LT(watch.add(4), 0);
  EXPECT_LT(watch.add(9.9), 0);          // median of 5, 100, 4 is 5
  EXPECT_LT(watch.add(3), 0);            // of 100, 4, 9.9
  EXPECT_LT(watch.add(8), 0);            // of 4, 9.9, 3 is 4: exactly twice is none
  EXPECT_DOUBLE_EQ(watch.add(17), 8);    // of 9.9, 3, 8
  EXPECT_DOUBLE_EQ(watch.add(16.1), 8);  // of 3, 8, 17: one spike does not hide the next
}

TEST(Spike, WithoutAWindowNothingIsASpike) {
  SpikeWatch watch({});
  for (double loss : {1.0, 1.0, 1e30}) EXPECT_LT(watch.add(loss), 0);
}

TEST(Spike, MessageSaysWhatHappenedWhereAndWhatToDo) {
  std::vector<Document> documents;
  for (int32_t d = 0; d < 50; ++d) documents.push_back({{1, 2, 3, 4}, {}});
  const Dataset data = Dataset::pack(documents, 3, 9);
  TrainOptions options;
  options.rows = 2;
  options.micro_batches = 2;
  options.seed = 5;
  StepResult result;
  result.step = 8;
  result.loss = 9.25;
  const std::string message =
      spike_message(result, 3.5, {.window = 100, .factor = 2.5}, options, data);
  std::string rows;
  for (uint64_t p = 28; p < 32; ++p)
    rows += (p == 28 ? "" : ", ") + std::to_string(row_at(p, data.rows(), 5));
  for (const std::string& part :
       {std::string(
            "step 8: the loss rose to 9.2500; the median of the 100 steps before is 3.5000"),
        "the rows " + rows + " of train.rows", std::string("lower lr"),
        std::string("resume this one with a larger spike.factor")})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
  options.rows = 40;
  EXPECT_NE(spike_message(result, 3.5, {.window = 100, .factor = 2.5}, options, data)
                .find(" and 48 more of train.rows"),
            std::string::npos);
}

}  // namespace
}  // namespace avocado
