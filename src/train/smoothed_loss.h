#pragma once
// The loss of a run as the eye wants it: an exponential mean over about the last 50 steps. It
// begins as the mean of the few steps that there are (Kingma & Ba's correction), not at zero.

namespace avocado {

class SmoothedLoss {
 public:
  // Takes the next step's loss and returns the mean.
  double add(double loss) {
    sum_ = kKept * sum_ + (1 - kKept) * loss;
    weight_ = kKept * weight_ + (1 - kKept);
    return value();
  }
  double value() const { return weight_ > 0 ? sum_ / weight_ : 0; }

 private:
  static constexpr double kKept = 0.98;
  double sum_ = 0, weight_ = 0;
};

}  // namespace avocado
